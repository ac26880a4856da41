import { aFlag, optionsOf, someStrings } from '../options.ts'
import { BAN_LIST_RULES } from './ban.ts'
import { DISCOURAGED_RULES } from './discouraged.ts'
import { MISBEHAVIOUR_RULES } from './misbehaviour.ts'
import type { BanListInit } from './ban.ts'
import type { DiscouragedListInit } from './discouraged.ts'
import type { MisbehaviourInit } from './misbehaviour.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is banned. A `BanList` is one.
 */
export interface BanLookup {
  ofPeer(peerId: PeerId | string): unknown
  ofMultiaddr(multiaddr: Multiaddr): unknown

  /**
   * How many bans there are. While there is none, no name is looked up for them.
   */
  readonly size?: number
}

/**
 * The options of {@link connectionGater}
 */
export interface ConnectionGaterInit {
  /**
   * Who is banned, e.g. the `bans` of the connection manager, or a list from
   * `banList()`
   *
   * @default undefined, nobody
   */
  bans?: BanLookup

  /**
   * IP addresses or ranges that are neither dialled nor accepted, e.g.
   * `10.0.0.0/8` or `/ip4/10.0.0.0/ipcidr/8`, also not by a name
   *
   * @default []
   */
  deny?: Array<string | Multiaddr>

  /**
   * If given, only these IP addresses and ranges are dialled and accepted. What
   * has no IP address of the remote itself (relayed connections, in browsers host
   * names) is not, except memory and unix sockets.
   *
   * @default undefined, any address
   */
  netRestrict?: Array<string | Multiaddr>

  /**
   * Do not dial private addresses nor WebSockets without encryption, as libp2p
   * does in browsers
   *
   * @default false
   */
  denyPrivateDials?: boolean
}

/**
 * Who is never welcome
 */
export interface GatingInit {
  /**
   * How bans are kept. `datastore: false` forgets them when the node stops.
   *
   * @default { refreshInterval: 60_000, maxEntries: 100_000, datastore: true }
   */
  bans?: BanListInit & { datastore?: boolean }

  /**
   * When peers that are reported for misbehaviour are discouraged and banned
   *
   * @default { banThreshold: 100, discourageThreshold: 50, halfLife: 60_000, banDuration: 86_400_000 }
   */
  misbehaviour?: MisbehaviourInit

  /**
   * How many discouraged peers and addresses are remembered, and for how many ms
   *
   * @default { maxEntries: 50_000, duration: 86_400_000 }
   */
  discouraged?: DiscouragedListInit

  /**
   * IP addresses and ranges. If given, no others are dialled, also not by a name, and
   * no others may connect.
   *
   * @default undefined, any address
   */
  netRestrict?: string[]

  /**
   * Do not dial private addresses nor WebSockets without encryption
   *
   * @default false, as in browsers libp2p's own gater does it
   */
  denyPrivateDials?: boolean
}

/**
 * What each of these options may be
 */
export const GATING_RULES: OptionRules<GatingInit> = {
  bans: optionsOf({ ...BAN_LIST_RULES, datastore: aFlag }),
  misbehaviour: optionsOf(MISBEHAVIOUR_RULES),
  discouraged: optionsOf(DISCOURAGED_RULES),
  netRestrict: someStrings,
  denyPrivateDials: aFlag
}
