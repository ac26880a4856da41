const NO_WORDS: readonly number[] = []

/**
 * An IP address as numbers, so that masks and comparisons need no text. What
 * embeds an IPv4 address (IPv4-mapped, IPv4-compatible and IPv4-translated addresses,
 * 6to4, Teredo, NAT64) is that IPv4 address: the same host would otherwise have a
 * second budget for every way to write it.
 */
export class IpAddress {
  /**
   * With a sign, so that it needs no memory of its own: there is an address for every
   * connection
   */
  readonly #first: number
  readonly #others: readonly number[]

  /**
   * The IPv6 address that an IPv4 address was embedded in, as ranges of IPv6 addresses
   * hold it too. Not for IPv4-mapped ones, which never are IPv6 on the wire.
   */
  readonly embeddedIn: IpAddress | undefined

  /**
   * @param family - 4 or 6
   * @param words - the address in unsigned 32 bit words, most significant first: one
   * word for IPv4, four for IPv6
   * @param embeddedIn - the IPv6 address that an IPv4 address was taken out of
   */
  constructor (family: 4 | 6, words: readonly number[], embeddedIn?: IpAddress) {
    this.#first = words[0] | 0
    this.#others = family === 4 ? NO_WORDS : words.slice(1)
    this.embeddedIn = embeddedIn
  }

  get family (): 4 | 6 {
    return this.#others === NO_WORDS ? 4 : 6
  }

  /**
   * The address in unsigned 32 bit words, most significant first: one word for
   * IPv4, four for IPv6
   */
  get words (): readonly number[] {
    return [this.#first >>> 0, ...this.#others]
  }

  /**
   * One of the {@link words}, 0 if there is no such word
   */
  word (index: number): number {
    return index === 0 ? this.#first >>> 0 : this.#others[index - 1] ?? 0
  }

  /**
   * The canonical text: dotted decimal, or RFC 5952 for IPv6. No zone.
   */
  get text (): string {
    return this.family === 4 ? ipv4Text(this.#first) : ipv6Text(this.words)
  }

  toString (): string {
    return this.text
  }
}

// eight groups of four digits, or six and a dotted quad
const MAX_IPV6_TEXT_LENGTH = 45

/**
 * Reads an IPv4 or IPv6 address, `undefined` if the text is neither. A zone id
 * (`%eth0`) is dropped, embedded IPv4 addresses are taken out.
 */
export function parseIp (text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const word = readIpv4(text, 0, text.length)

    return word == null ? undefined : new IpAddress(4, [word])
  }

  const words = parseIpv6(text)

  if (words == null) {
    return undefined
  }

  const embedded = embeddedIpv4(words)

  const written = new IpAddress(6, words)

  return embedded == null ? written : new IpAddress(4, [embedded], isMappedIpv4(written) ? undefined : written)
}

/**
 * Reads an IPv4 or IPv6 address as {@link parseIp} does, but leaves an IPv4 address where
 * it is embedded
 */
export function parseWrittenIp (text: string): IpAddress | undefined {
  const words = text.includes(':') ? parseIpv6(text) : undefined

  return words == null ? parseIp(text) : new IpAddress(6, words)
}

/**
 * The hexadecimal digit that each ASCII character is, -1 for none. A table, as which of
 * them comes next can not be foretold by the processor.
 */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)

  return Number.isNaN(digit) ? -1 : digit
})

/**
 * The groups of the IPv6 address that is being read
 */
const groups = new Uint16Array(8)

/**
 * Reads an IPv6 address into its four words, without taking out an embedded
 * IPv4 address. `undefined` if the text is not an IPv6 address.
 */
function parseIpv6 (text: string): number[] | undefined {
  const zone = text.indexOf('%')
  const end = zone === -1 ? text.length : zone

  if (end > MAX_IPV6_TEXT_LENGTH) {
    return undefined
  }

  let count = 0

  // how many groups are before `::`
  let gap = text.startsWith('::') ? 0 : -1

  for (let from = gap === 0 ? 2 : 0; from < end;) {
    let group = 0
    let to = from

    for (; to < end; to++) {
      const digit = DIGITS[text.charCodeAt(to)] ?? -1

      if (digit === -1) {
        break
      }

      group = (group << 4) | digit
    }

    // at the end there may be an IPv4 address
    if (to < end && text.charCodeAt(to) === DOT) {
      const word = readIpv4(text, from, end)

      if (word == null) {
        return undefined
      }

      // what is more than eight groups is only counted
      groups[count++] = word >>> 16
      groups[count++] = word
      break
    }

    if (to === from || to - from > 4) {
      return undefined
    }

    groups[count++] = group
    from = to + 1

    // nothing but a colon and another group, or the rest of `::`, may follow
    if (to < end && (text.charCodeAt(to) !== COLON || from === end)) {
      return undefined
    }

    if (from < end && text.charCodeAt(from) === COLON) {
      if (gap !== -1) {
        return undefined
      }

      gap = count
      from++
    }
  }

  return wordsOf(count, gap)
}

/**
 * The words of the IPv6 address whose groups were read. `gap` of them are before `::`, -1
 * if it is not there.
 */
function wordsOf (count: number, gap: number): number[] | undefined {
  if (gap === -1 ? count !== 8 : count > 7) {
    return undefined
  }

  if (gap !== -1) {
    // those after the gap belong to the end
    groups.copyWithin(8 - count + gap, gap, count).fill(0, gap, 8 - count + gap)
  }

  return [wordAt(0), wordAt(2), wordAt(4), wordAt(6)]
}

/**
 * Two groups that were read
 */
function wordAt (at: number): number {
  return (groups[at] << 16 | groups[at + 1]) >>> 0
}

/**
 * Whether it is an address that is not routed on the internet: unspecified,
 * loopback, link-local, private (RFC 1918, RFC 4193), shared (RFC 6598)
 */
export function isPrivateOrLoopback (ip: IpAddress): boolean {
  const word = ip.word(0)

  if (ip.family === 4) {
    switch (word >>> 24) {
      case 0:
      case 10:
      case 127:
        return true
      case 100:
        return (word >>> 22) === (0x64400000 >>> 22)
      case 169:
        return (word >>> 16) === 0xa9fe
      case 172:
        return (word >>> 20) === 0xac1
      case 192:
        return (word >>> 16) === 0xc0a8
      default:
        return false
    }
  }

  // fc00::/7, fe80::/10 and the older fec0::/10, 64:ff9b:1::/48 (RFC 8215)
  return isUnspecifiedOrLoopbackIpv6(ip) ||
    (word >>> 25) === (0xfc000000 >>> 25) ||
    (word >>> 23) === (0xfe800000 >>> 23) ||
    (word === 0x0064ff9b && (ip.word(1) >>> 16) === 1)
}

/**
 * Whether it is an address of this host only: `127.0.0.0/8`, `::1`
 */
export function isLoopback (ip: IpAddress): boolean {
  return ip.family === 4
    ? (ip.word(0) >>> 24) === 127
    : isUnspecifiedOrLoopbackIpv6(ip) && ip.word(3) === 1
}

/**
 * Whether an IPv6 address, as it is written, is IPv4-mapped (`::ffff:0:0/96`, RFC 4291):
 * so sockets that are open for both families write IPv4
 */
export function isMappedIpv4 (written: IpAddress): boolean {
  return written.family === 6 && written.word(0) === 0 && written.word(1) === 0 && written.word(2) === 0xffff
}

/**
 * The text of an IPv4 address given as an unsigned 32 bit word
 */
function ipv4Text (word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`
}

/**
 * The text of an IPv6 address given as four unsigned 32 bit words, as RFC 5952
 * section 4 wants it
 */
function ipv6Text (words: readonly number[]): string {
  const groups = words.flatMap(word => [word >>> 16, word & 0xffff])
  let gap = -1
  let gapLength = 1

  for (let i = 0; i < 8; i++) {
    let end = i

    while (end < 8 && groups[end] === 0) {
      end++
    }

    // a single group of zeros is not shortened, of two runs the first one is
    if (end - i > gapLength) {
      gap = i
      gapLength = end - i
    }

    i = end
  }

  const texts = groups.map(group => group.toString(16))

  return gap === -1
    ? texts.join(':')
    : `${texts.slice(0, gap).join(':')}::${texts.slice(gap + gapLength).join(':')}`
}

const DOT = 46
const COLON = 58
const ZERO = 48

function readIpv4 (text: string, start: number, end: number): number | undefined {
  let word = 0
  let octet = 0
  let digits = 0
  let octets = 0

  for (let i = start; i <= end; i++) {
    const code = i === end ? DOT : text.charCodeAt(i)

    if (code === DOT) {
      if (digits === 0 || octets === 4) {
        return undefined
      }

      word = (word << 8) | octet
      octets++
      octet = 0
      digits = 0
      continue
    }

    // other parsers read a leading zero as octal, so it is no address at all
    if (code < ZERO || code > ZERO + 9 || (digits > 0 && octet === 0)) {
      return undefined
    }

    octet = octet * 10 + code - ZERO
    digits++

    if (octet > 255) {
      return undefined
    }
  }

  return octets === 4 ? word >>> 0 : undefined
}

function embeddedIpv4 (words: readonly number[]): number | undefined {
  const [first, second, third, fourth] = words

  // IPv4-mapped ::ffff:0:0/96 (RFC 4291), IPv4-translated ::ffff:0:0:0/96 (RFC 2765)
  if (first === 0 && second === 0 && (third === 0xffff || third === 0xffff0000)) {
    return fourth
  }

  // NAT64, 64:ff9b::/96 (RFC 6052)
  if (first === 0x0064ff9b && second === 0 && third === 0) {
    return fourth
  }

  // IPv4-compatible ::/96 (RFC 4291), and the NAT64 of a local network in 64:ff9b:1::/48
  // (RFC 8215). What would be in 0.0.0.0/8 embeds nothing: `::1` is loopback.
  if ((fourth >>> 24) !== 0 && ((first === 0 && second === 0 && third === 0) || (first === 0x0064ff9b && (second >>> 16) === 1))) {
    return fourth
  }

  // 6to4, 2002::/16 (RFC 3056)
  if ((first >>> 16) === 0x2002) {
    return ((first << 16) | (second >>> 16)) >>> 0
  }

  // Teredo, 2001::/32, the client's address is inverted (RFC 4380)
  if (first === 0x20010000) {
    return ~fourth >>> 0
  }

  return undefined
}

function isUnspecifiedOrLoopbackIpv6 (ip: IpAddress): boolean {
  return ip.word(0) === 0 && ip.word(1) === 0 && ip.word(2) === 0 && ip.word(3) <= 1
}
