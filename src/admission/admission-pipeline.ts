import { barredReason, isDiscouraged } from './barred.ts'
import { ALLOW_LISTED, HELD, HeldAdmission, IDENTIFIED } from './held-admission.ts'
import { LinkedList } from './linked-list.ts'
import { originOf, scopeOf } from './origin.ts'
import { PendingHandshakes } from './pending-handshakes.ts'
import { bar, toRefusal } from './refusals.ts'
import { SubnetCounts } from './subnet-counts.ts'
import { TokenBuckets } from './token-buckets.ts'
import { VictimChooser } from './victim-chooser.ts'
import type { AdmissionComponents, AdmissionLimits } from './admission-components.ts'
import type { Admission, AdmissionDecision, Reservation } from './admission.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { Origin } from './origin.ts'
import type { AbortableSocket, PendingHandshake } from './pending-handshakes.ts'
import type { AdmissionReason, AdmissionRefusal } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { RateLimits } from '../resources/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The scopes that count what is not upgraded yet
 */
const PENDING_SCOPES: readonly string[] = ['transient', 'system']

/**
 * Decides which inbound connections may come in, and keeps what they have taken.
 * Everything is decided in memory, before anything is spent on the connection, and
 * what is refused has taken nothing.
 */
export class AdmissionPipeline<R extends Reservation = Reservation, C extends EvictionCandidate = EvictionCandidate> {
  /**
   * May be changed at any time
   */
  maxConnections: number

  readonly #components: AdmissionComponents<R, C>
  readonly #victims: VictimChooser<C>
  readonly #subnets: SubnetCounts
  readonly #pending: PendingHandshakes<HeldAdmission<R>>
  #buckets: TokenBuckets
  private readonly held = new LinkedList<HeldAdmission<R>>()

  /**
   * How many have a place though they are not upgraded yet
   */
  #identifiedCount = 0
  #isStarted = false

  /**
   * @param components - what the pipeline asks others about
   * @param limits - what it holds
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<R, C>, limits: AdmissionLimits, hashKey?: HashKey) {
    this.#components = components
    this.maxConnections = limits.maxConnections
    this.#victims = new VictimChooser(components, hashKey)
    this.#subnets = new SubnetCounts(limits.subnets)
    this.#pending = new PendingHandshakes(components, limits.maxPending, limits.pending)
    this.#buckets = new TokenBuckets(components.clock, limits.rates)
  }

  /**
   * How many connections are accepted and not upgraded yet
   */
  get pending (): number {
    return this.#pending.size
  }

  /**
   * How many there may be of these. May be changed at any time.
   */
  get maxPending (): number {
    return this.#pending.limit
  }

  set maxPending (limit: number) {
    this.#pending.limit = limit
  }

  start (): void {
    this.#isStarted = true
  }

  stop (): void {
    this.#isStarted = false
  }

  /**
   * Change how many connections may come from one network. What is open stays
   * open.
   */
  setSubnetLimits (limits: OriginLimits): void {
    this.#subnets.setLimits(limits, [...this.held].filter(({ isAllowListed }) => !isAllowListed))
  }

  /**
   * Change how often networks may connect. All begin with what they may do at once.
   */
  setRateLimits (limits: RateLimits): void {
    this.#buckets = new TokenBuckets(this.#components.clock, limits)
  }

  /**
   * Whether a connection that was just made may come in. If it may, what it has
   * taken has to be given back with `release` when it is closed or fails.
   *
   * @param remoteAddr - where it comes from
   * @param socket - is aborted if it has to give way to others before it is upgraded; it has
   * given back everything by then
   */
  admit (remoteAddr: Multiaddr, socket?: AbortableSocket): AdmissionDecision<R> {
    const decision = this.#decide(remoteAddr, socket)

    if (decision instanceof HeldAdmission) {
      return { admission: decision }
    }

    this.#components.onRefuse({ ...decision, remoteAddr })

    return { refusal: decision }
  }

  /**
   * The peer of a connection is known now, and it counts towards `maxConnections`. If it may
   * not stay, the connection is to be closed; it keeps what it has taken until `release`.
   */
  identify (admission: Admission<R>, remoteAddr: Multiaddr, peer: string, realm?: string): AdmissionRefusal | undefined {
    const refusal = this.#checkPeer(asHeld(admission), peer, realm)

    if (refusal != null) {
      this.#components.onRefuse({ ...refusal, remoteAddr, peer })
    }

    return refusal
  }

  /**
   * The connection is upgraded, and counted by `connectionCount` from now on.
   * Harmless when it was upgraded or released before.
   */
  upgraded (admission: Admission<R>): void {
    const held = asHeld(admission)

    if (held.pending != null) {
      this.#pending.delete(held.pending)
      held.pending = undefined
      this.#identifiedCount -= held.has(IDENTIFIED) ? 1 : 0
      held.unset(IDENTIFIED)
    }
  }

  /**
   * Give back what a connection has taken. Harmless when it was released before.
   */
  release (admission: Admission<R>): void {
    const held = asHeld(admission)

    if (!held.has(HELD)) {
      return
    }

    this.upgraded(held)
    held.unset(HELD)
    this.held.delete(held)

    if (!held.isAllowListed) {
      this.#subnets.remove(held)
    }

    held.reservation.release()
  }

  /**
   * Count a connection that came in without being asked about, as after hole
   * punching. It is open already, so the limits by address are not checked.
   *
   * @throws {ResourceLimitError} if nothing can be reserved for it
   */
  account (remoteAddr: Multiaddr): Admission<R> {
    const origin = originOf(remoteAddr)
    const flags = this.#isAllowListed(origin) ? ALLOW_LISTED : 0

    return this.#hold(origin, this.#reserve(origin, flags), flags)
  }

  #isAllowListed ({ ip }: Origin): boolean {
    return ip != null && this.#components.allowList.has(ip)
  }

  #decide (remoteAddr: Multiaddr, socket?: AbortableSocket): HeldAdmission<R> | AdmissionRefusal {
    if (!this.#isStarted) {
      return bar('stopped', 'system')
    }

    const origin = originOf(remoteAddr)
    const reason = barredReason(this.#components, remoteAddr, origin)

    if (reason != null) {
      return bar(reason, scopeOf(origin))
    }

    if (this.#isAllowListed(origin)) {
      return this.#tryHold(origin, ALLOW_LISTED, socket)
    }

    this.#pending.knock(origin)

    const { ip } = origin
    const { dialBacks, hostRate } = this.#components
    const isDialBack = ip != null && dialBacks.has(ip)
    const tooFast = ip == null ? undefined : hostRate.take(ip)

    // who was asked to come pays all the same
    const pays = ip != null && (tooFast == null || isDialBack)
    const empty = pays ? this.#buckets.take(ip) : undefined
    const exceeded = tooFast ?? empty

    if (exceeded != null && !isDialBack) {
      return { reason: 'rate', ...exceeded }
    }

    let decision: HeldAdmission<R> | AdmissionRefusal | undefined

    try {
      const load = this.#components.load?.check()

      decision = load == null || isDialBack ? this.#decideByCount(origin, socket) : { reason: 'load', ...load }

      if (isDialBack && (exceeded != null || load != null) && decision instanceof HeldAdmission) {
        dialBacks.take(ip)
      }

      return decision
    } finally {
      if (pays && empty == null && !(decision instanceof HeldAdmission)) {
        this.#buckets.refund(ip)
      }
    }
  }

  #decideByCount (origin: Origin, socket?: AbortableSocket): HeldAdmission<R> | AdmissionRefusal {
    const pendingSubnet = this.#pending.check(origin)

    if (pendingSubnet != null) {
      return { reason: 'subnet-pending', ...pendingSubnet }
    }

    const subnet = this.#subnets.check(origin)

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    // who is discouraged may not have the last place
    if (this.#isLastPlace && isDiscouraged(this.#components, origin)) {
      return this.#refuseAsFull('discouraged')
    }

    return this.#tryHold(origin, 0, socket)
  }

  /**
   * The last step. When the connections that are not upgraded yet have taken all places, or
   * all that they may use, one of them makes place for the newcomer.
   */
  #tryHold (origin: Origin, flags: number, socket?: AbortableSocket): HeldAdmission<R> | AdmissionRefusal {
    const isLimited = flags !== ALLOW_LISTED
    const isFull = isLimited && this.#pending.isFull
    const victim = isFull ? this.#pending.victimFor(origin) : undefined

    if (isFull && victim == null) {
      return { reason: 'pending', scope: 'system', current: this.#pending.size, limit: this.maxPending }
    }

    let reservation: R

    try {
      reservation = this.#reserve(origin, flags)
      this.#giveWay(victim)
    } catch (err) {
      const refusal = toRefusal(err)
      const other = isLimited && PENDING_SCOPES.includes(refusal.scope) ? victim ?? this.#pending.victimFor(origin) : undefined

      if (other == null) {
        return refusal
      }

      this.#giveWay(other)

      try {
        reservation = this.#reserve(origin, flags)
      } catch (err) {
        return toRefusal(err)
      }
    }

    const held = this.#hold(origin, reservation, flags)
    held.pending = this.#pending.add(held, origin, isLimited, socket)

    return held
  }

  /**
   * A connection that is not upgraded yet gives back what it has taken, and is closed
   */
  #giveWay (victim: PendingHandshake<HeldAdmission<R>> | undefined): void {
    if (victim != null) {
      this.release(victim.held)
      victim.socket?.abort(new Error('Closed before it was upgraded, as others needed its place'))
    }
  }

  #checkPeer (held: HeldAdmission<R>, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { bans, isTrusted, discouraged, realms, self } = this.#components

    // it has given way to others
    if (!held.has(HELD)) {
      return bar('pending', 'system')
    }

    if (peer === self || bans.ofPeer(peer) != null) {
      return bar(peer === self ? 'self' : 'banned', `peer:${peer}`)
    }

    const leavesAllowList = held.ip != null && held.isAllowListed && !this.#components.allowList.allows(held.ip, peer)
    const subnet = leavesAllowList ? this.#subnets.check(held) : undefined

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    const isLimited = leavesAllowList || !held.isAllowListed

    if (isLimited && this.#isLastPlace && discouraged.hasPeer(peer)) {
      return this.#refuseAsFull('discouraged')
    }

    const isFull = isLimited && this.#used >= this.maxConnections
    const victim = isFull ? this.#victims.choose() : undefined

    if (isFull && victim == null && !isTrusted(peer)) {
      return this.#refuseAsFull('max-connections')
    }

    try {
      if (leavesAllowList) {
        this.#leaveAllowList(held)
      }

      if (realm != null) {
        realms.makeRoomFor(realm, peer, 'inbound')
      }

      held.reservation.setPeer(peer, realm)
    } catch (err) {
      return toRefusal(err)
    }

    // somebody may have left for its realm already
    if (victim != null && this.#used >= this.maxConnections) {
      this.#components.evict(victim)
    }

    if (held.isPending && !held.has(IDENTIFIED)) {
      held.set(IDENTIFIED)
      this.#identifiedCount++
    }
  }

  /**
   * The address is allow-listed for some peers. A peer that is none of them has to
   * keep to the limits like everybody.
   */
  #leaveAllowList (held: HeldAdmission<R>): void {
    held.reservation.leaveAllowList()
    held.unset(ALLOW_LISTED)
    this.#subnets.add(held)
  }

  /**
   * How many places are taken, those of connections included that are not upgraded yet but
   * have said who they are: otherwise several could take the last one at the same time
   */
  get #used (): number {
    return this.#components.connectionCount() + this.#identifiedCount
  }

  get #isLastPlace (): boolean {
    return this.#used + 1 >= this.maxConnections
  }

  #refuseAsFull (reason: AdmissionReason): AdmissionRefusal {
    return { reason, scope: 'system', current: this.#used, limit: this.maxConnections }
  }

  #reserve ({ fileDescriptor }: Origin, flags: number): R {
    return this.#components.resources.openConnection({ direction: 'inbound', allowListed: (flags & ALLOW_LISTED) !== 0, fileDescriptor })
  }

  #hold (origin: Origin, reservation: R, flags: number): HeldAdmission<R> {
    const held = new HeldAdmission(origin, reservation, HELD | flags)
    this.held.add(held)

    if (!held.isAllowListed) {
      this.#subnets.add(origin)
    }

    return held
  }
}

function asHeld<R extends Reservation> (admission: Admission<R>): HeldAdmission<R> {
  // only `hold` makes admissions
  return admission as HeldAdmission<R>
}
