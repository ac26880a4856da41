import { IpAddress } from './ip-address.ts'

/**
 * How many bits an address of a family has
 */
export function addressBits (family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
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
 * What one host has: an IPv4 address, or the /64 of one of IPv6, in CIDR notation
 */
export function hostRange (ip: IpAddress): string {
  return prefixText(ip, ip.family === 4 ? 32 : 64)
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
