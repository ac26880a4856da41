import { IpAddress } from './ip-address.ts'

/**
 * Identifies a network among those of the same family and prefix length. Meant
 * for a `Map` per family and length.
 */
export type PrefixKey = number | string

/**
 * How many bits an address of a family has
 */
export function addressBits (family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

/**
 * The key of the network of `bits` bits that an address is in
 */
export function prefixKey (ip: IpAddress, bits: number): PrefixKey {
  const first = ip.word(0)

  if (bits <= 32) {
    return maskWord(first, bits)
  }

  const second = maskWord(ip.word(1), bits - 32)

  // 48 bits fit into a number exactly, and 56 bits of which the first three are known:
  // every address on the internet is in 2000::/3 (RFC 4291)
  if (bits <= 48) {
    return first * 0x10000 + (second >>> 16)
  } else if (bits <= 56 && (first >>> 29) === 1) {
    return (first & 0x1fffffff) * 0x1000000 + (second >>> 8)
  }

  // a code unit for 16 bits, as numbers in digits take much longer to write
  const key = String.fromCharCode(first >>> 16, first & 0xffff, second >>> 16, second & 0xffff)

  if (bits <= 64) {
    return key
  }

  const third = maskWord(ip.word(2), bits - 64)
  const fourth = maskWord(ip.word(3), bits - 96)

  return key + String.fromCharCode(third >>> 16, third & 0xffff, fourth >>> 16, fourth & 0xffff)
}

/**
 * The first address of the network of `bits` bits that an address is in
 */
export function prefixNetwork (ip: IpAddress, bits: number): IpAddress {
  return new IpAddress(ip.family, ip.words.map((word, i) => maskWord(word, bits - i * 32)))
}

/**
 * The network of `bits` bits that an address is in, in CIDR notation
 */
export function prefixText (ip: IpAddress, bits: number): string {
  return `${prefixNetwork(ip, bits).text}/${bits}`
}

/**
 * The first `bits` bits of a word, `bits` may be beyond both ends
 */
export function maskWord (word: number, bits: number): number {
  if (bits >= 32) {
    return word
  }

  // a shift by 32 would be a shift by 0
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
}
