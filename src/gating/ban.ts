import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { addressBits } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { notNegative, numberRule } from '../options.ts'
import { parseCidr } from './cidr.ts'
import type { Cidr } from './cidr.ts'
import type { Clock } from '../clock.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who can be banned: a peer, by its id; an IP address or a range of them, as text
 * (`192.0.2.1`, `10.0.0.0/8`) or as a multiaddr (`/ip4/10.0.0.0/ipcidr/8`)
 */
export type BanTarget = PeerId | Multiaddr | string

/**
 * How somebody is banned
 */
export interface BanOptions {
  /**
   * For how many ms. `Infinity` bans until `unban`.
   *
   * @default 86_400_000
   */
  for?: number

  /**
   * Until when, in ms since the Unix epoch, instead of `for`
   */
  until?: number

  /**
   * Why. At most 1 024 characters are kept.
   */
  reason?: string

  /**
   * Is it made by a program, for something that remotes did? Then it counts for
   * `maxEntries`, and makes room for another one of its kind. Others never do.
   *
   * @default false
   */
  automatic?: boolean
}

/**
 * How a list of bans is kept
 */
export interface BanListInit {
  /**
   * How often, in ms, the bans of other nodes that share the datastore are read,
   * and expired ones are deleted. `Infinity`: not while the node runs.
   *
   * @default 60_000
   */
  refreshInterval?: number

  /**
   * How many automatic bans there may be, as those for misbehaviour are. When one more
   * is made, the automatic one that ends first is dropped. What an operator bans is not
   * counted, and never dropped.
   *
   * @default 100_000
   */
  maxEntries?: number
}

/**
 * What each of these options may be
 */
export const BAN_LIST_RULES: OptionRules<BanListInit> = {
  refreshInterval: numberRule('a number of ms of at least 1', value => value >= 1),
  maxEntries: notNegative
}

/**
 * A ban that is in force
 */
export interface Ban {
  readonly kind: 'peer' | 'network'

  /**
   * The peer id, the IP address or the range in CIDR notation
   */
  readonly target: string

  /**
   * When the ban was made, in ms since the Unix epoch
   */
  readonly created: number

  /**
   * When the ban ends, in ms since the Unix epoch. `Infinity` if it does not.
   */
  readonly expires: number

  readonly reason?: string

  /**
   * Was it made by a program? Left out if it was not.
   */
  readonly automatic?: true
}

/**
 * Whom a ban is about
 */
export type BanSubject = { kind: 'peer', target: string } | { kind: 'network', target: string, cidr: Cidr }

// Bitcoin Core default
const DEFAULT_DURATION = 86_400_000

/**
 * A reason may come from a remote peer, so what is kept of it is bounded
 */
export const MAX_REASON_LENGTH = 1_024

/**
 * Reads whom a ban is about
 *
 * @throws {InvalidOptionError} if it is none of what can be banned
 */
export function parseBanTarget (target: BanTarget, option = 'ban.target'): BanSubject {
  if (isPeerId(target)) {
    return { kind: 'peer', target: target.toString() }
  }

  let peer: string | undefined

  try {
    peer = peerOf(target)
  } catch {
    throw new InvalidOptionError(option, target, 'a peer id, an IP address or a CIDR, as text or as a multiaddr')
  }

  if (peer != null) {
    return { kind: 'peer', target: peer }
  }

  const cidr = parseCidr(target, option)
  const isSingle = cidr.bits === addressBits(cidr.network.family)

  return { kind: 'network', target: isSingle ? cidr.network.text : cidr.text, cidr }
}

/**
 * The ban that somebody gets now
 *
 * @throws {InvalidOptionError} if the ban would not end in the future
 */
export function createBan (subject: BanSubject, options: BanOptions, clock: Clock): Ban {
  const created = clock.now()

  return {
    kind: subject.kind,
    target: subject.target,
    created,
    expires: expiry(options, created),
    ...(options.reason == null ? {} : { reason: String(options.reason).slice(0, MAX_REASON_LENGTH) }),
    ...(options.automatic === true ? { automatic: true } : {})
  }
}

/**
 * The ban that holds when somebody is banned who was banned before: until the later end,
 * and an operator's if one of them is
 */
export function longerBan (known: Ban, ban: Ban): Ban {
  const { automatic, ...longest } = known.expires >= ban.expires ? known : ban

  return known.automatic === true && ban.automatic === true ? { ...longest, automatic } : longest
}

function expiry (options: BanOptions, now: number): number {
  if (options.until != null) {
    if (options.for != null) {
      throw new InvalidOptionError('ban.for', options.for, 'left out when "ban.until" is given')
    }

    if (!isGreater(options.until, now)) {
      throw new InvalidOptionError('ban.until', options.until, 'a time in the future, in ms since the Unix epoch')
    }

    return options.until
  }

  const duration = options.for ?? DEFAULT_DURATION

  if (!isGreater(duration, 0)) {
    throw new InvalidOptionError('ban.for', duration, 'a number of ms greater than 0')
  }

  return now + duration
}

function isGreater (value: unknown, than: number): boolean {
  return typeof value === 'number' && value > than
}

/**
 * The canonical text of a peer id, or of the one that a multiaddr consists of.
 * `undefined` for everything else that may be an address.
 *
 * @throws {Error} if it can not be one
 */
function peerOf (target: string | Multiaddr): string | undefined {
  if (typeof target === 'string' && !target.startsWith('/p2p/')) {
    return /[/.:]/.test(target) ? undefined : peerIdFromString(target).toString()
  }

  const components = (typeof target === 'string' ? multiaddr(target) : target).getComponents()

  return components.length === 1 && components[0].code === CODE_P2P ? peerIdFromString(components[0].value ?? '').toString() : undefined
}
