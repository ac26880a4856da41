import { hostRange } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { atLeastOne, notNegative, numberRule, withDefaults } from '../options.ts'
import { RecentMap } from '../recent-map.ts'
import { MISBEHAVIOUR_HALF_LIFE, addPenalty, scoreAt } from './misbehaviour-score.ts'
import type { Ban, BanOptions, BanTarget } from './ban.ts'
import type { MisbehaviourScore, Penalty } from './misbehaviour-score.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Whom the scores of misbehaviour lead to
 */
export interface MisbehaviourComponents {
  clock: Clock

  bans: {
    ban(target: BanTarget, options?: BanOptions): Promise<Ban>
  }

  discouraged: {
    addPeer(peerId: PeerId): void

    /**
     * The host from which a peer has misbehaved
     */
    addIp(ip: IpAddress, peerId: PeerId): void
  }

  /**
   * The IP addresses that a peer is connected from or at. Those over which it is relayed
   * are none of its own.
   *
   * @default none is known
   */
  addressesOf?(peerId: PeerId): IpAddress[]

  /**
   * Whether a peer is never banned for misbehaviour, e.g. because it is trusted
   * or protected
   */
  isExempt?(peerId: PeerId): boolean
}

/**
 * The options of {@link Misbehaviour}
 */
export interface MisbehaviourInit {
  /**
   * A peer with a score of more than this is banned
   *
   * @default 100
   */
  banThreshold?: number

  /**
   * A peer with a score of more than this may only stay while there is room. At most
   * `banThreshold`.
   *
   * @default 50, or half of `banThreshold` if that is less
   */
  discourageThreshold?: number

  /**
   * After how many ms half of the transient part of a score is gone. `Infinity`: it does
   * not decay.
   *
   * @default 60_000
   */
  halfLife?: number

  /**
   * For how many ms a peer is banned
   *
   * @default 86_400_000
   */
  banDuration?: number

  /**
   * Of how many peers, and of how many hosts, scores are kept, the latest ones
   *
   * @default 10_000
   */
  maxPeers?: number
}

/**
 * What came of a report
 */
export interface MisbehaviourResult {
  /**
   * The score of the peer after the report
   */
  readonly score: number

  /**
   * `exempt` is a peer that would have been banned
   */
  readonly outcome: 'noted' | 'discouraged' | 'exempt' | 'banned'

  /**
   * Set if the peer was banned
   */
  readonly ban?: Ban
}

const aTime = numberRule('a number of ms greater than 0', value => value > 0)

/**
 * What each of these options may be
 */
export const MISBEHAVIOUR_RULES: OptionRules<MisbehaviourInit> = {
  banThreshold: notNegative,
  discourageThreshold: notNegative,
  halfLife: aTime,
  banDuration: aTime,
  maxPeers: atLeastOne
}

const DEFAULTS = {
  banThreshold: 100,
  discourageThreshold: 50,
  halfLife: MISBEHAVIOUR_HALF_LIFE,
  maxPeers: 10_000
}

/**
 * Keeps the scores of peers that misbehave. What a peer does once too often
 * decays, what it never should have done stays.
 */
export class Misbehaviour {
  readonly #components: MisbehaviourComponents
  readonly #init: typeof DEFAULTS
  readonly #banDuration: number | undefined
  readonly #scores: RecentMap<string, MisbehaviourScore>

  /**
   * By host
   */
  readonly #hostScores: RecentMap<string, MisbehaviourScore>

  /**
   * Where peers were connected that have left
   */
  readonly #left: RecentMap<string, IpAddress>

  /**
   * @param components - the clock, and what is done about whoever misbehaves
   * @param init - the options
   * @throws {InvalidOptionError} if peers would be banned before they are discouraged
   */
  constructor (components: MisbehaviourComponents, init: MisbehaviourInit = {}) {
    const banThreshold = init.banThreshold ?? DEFAULTS.banThreshold
    this.#components = components
    this.#init = withDefaults(init, { ...DEFAULTS, discourageThreshold: Math.min(DEFAULTS.discourageThreshold, banThreshold / 2) })
    this.#banDuration = init.banDuration

    if (this.#init.discourageThreshold > banThreshold) {
      throw new InvalidOptionError('misbehaviour.discourageThreshold', this.#init.discourageThreshold, `at most misbehaviour.banThreshold (${banThreshold})`)
    }

    this.#scores = new RecentMap(this.#init.maxPeers)
    this.#hostScores = new RecentMap(this.#init.maxPeers)
    this.#left = new RecentMap(this.#init.maxPeers)
  }

  /**
   * The score of a peer, 0 if nothing is held against it
   */
  score (peerId: PeerId): number {
    const score = this.#scores.get(peerId.toString())

    return score == null ? 0 : scoreAt(score, this.#components.clock.now(), this.#init.halfLife)
  }

  /**
   * Forgets what is held against a peer. Returns whether there was anything.
   */
  reset (peerId: PeerId): boolean {
    return this.#scores.delete(peerId.toString())
  }

  /**
   * A connection of a peer was closed, which may be reported only now
   */
  onClose (peer: string, ip: IpAddress | undefined): void {
    ip != null && this.#left.set(peer, ip)
  }

  /**
   * A peer has misbehaved. It is banned when its score is above the threshold;
   * the score then starts again, as the ban is what it came to.
   *
   * Its host is charged as well, since a new id costs nothing. All of that decays, as an
   * address may be that of others, so that the host is discouraged at most.
   *
   * @param peerId - who
   * @param penalty - what it adds to the score
   * @param reason - what the peer did, kept as the reason of the ban
   * @throws {InvalidOptionError} if the penalty is not made of numbers of 0 or more
   * @throws {Error} if the ban could not be stored
   */
  async report (peerId: PeerId, penalty: Penalty, reason?: string): Promise<MisbehaviourResult> {
    validate('penalty.persistent', penalty.persistent)
    validate('penalty.transient', penalty.transient)

    const { banThreshold, discourageThreshold, halfLife } = this.#init
    const key = peerId.toString()
    const now = this.#components.clock.now()
    const entry = addPenalty(this.#scores.get(key), penalty, now, halfLife)
    const score = scoreAt(entry, now, halfLife)
    this.#scores.set(key, entry)

    if (this.#components.isExempt?.(peerId) !== true) {
      this.#chargeHosts(peerId, penalty, now)
    } else if (score > banThreshold) {
      return { score, outcome: 'exempt' }
    }

    if (score > banThreshold) {
      const ban = await this.#components.bans.ban(peerId, { for: this.#banDuration, reason: reason ?? 'misbehaviour', automatic: true })
      this.#scores.delete(key)

      return { score, outcome: 'banned', ban }
    }

    if (score > discourageThreshold) {
      this.#components.discouraged.addPeer(peerId)

      return { score, outcome: 'discouraged' }
    }

    return { score, outcome: 'noted' }
  }

  #chargeHosts (peerId: PeerId, penalty: Penalty, now: number): void {
    const { discourageThreshold, halfLife } = this.#init
    const left = this.#left.get(peerId.toString())
    const connected = this.#components.addressesOf?.(peerId) ?? []
    const ips = connected.length === 0 && left != null ? [left] : connected

    // several connections of a peer may come from one host
    for (const [host, ip] of new Map(ips.map(ip => [hostRange(ip), ip]))) {
      const entry = addPenalty(this.#hostScores.get(host), decaying(penalty), now, halfLife)
      this.#hostScores.set(host, entry)

      if (scoreAt(entry, now, halfLife) > discourageThreshold) {
        this.#components.discouraged.addIp(ip, peerId)
      }
    }
  }
}

/**
 * What an address is charged for, all of which decays
 */
function decaying ({ persistent = 0, transient = 0 }: Penalty): Penalty {
  return { transient: persistent + transient }
}

function validate (option: string, value: unknown): void {
  if (value !== undefined && !(typeof value === 'number' && value >= 0 && Number.isFinite(value))) {
    throw new InvalidOptionError(option, value, 'a number of 0 or more')
  }
}
