import { barredReason, isDiscouraged } from './barred.ts'
import { ALLOW_LISTED, HELD, HeldAdmission, PENDING } from './held-admission.ts'
import { LinkedList } from './linked-list.ts'
import { originOf, scopeOf } from './origin.ts'
import { bar, toRefusal } from './refusals.ts'
import { SubnetCounts } from './subnet-counts.ts'
import { TokenBuckets } from './token-buckets.ts'
import { VictimChooser } from './victim-chooser.ts'
import type { AdmissionComponents, AdmissionLimits } from './admission-components.ts'
import type { Admission, AdmissionDecision, Reservation } from './admission.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { Origin } from './origin.ts'
import type { AdmissionReason, AdmissionRefusal } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { RateLimits } from '../resources/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

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

  /**
   * May be changed at any time
   */
  maxPending: number

  readonly #components: AdmissionComponents<R, C>
  readonly #victims: VictimChooser<C>
  readonly #subnets: SubnetCounts
  readonly #pendingSubnets: SubnetCounts
  #buckets: TokenBuckets
  private readonly held = new LinkedList<HeldAdmission<R>>()
  #pendingCount = 0
  #isStarted = false

  /**
   * @param components - what the pipeline asks others about
   * @param limits - what it holds
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<R, C>, limits: AdmissionLimits, hashKey?: HashKey) {
    this.#components = components
    this.maxConnections = limits.maxConnections
    this.maxPending = limits.maxPending
    this.#victims = new VictimChooser(components, hashKey)
    this.#subnets = new SubnetCounts(limits.subnets)
    this.#pendingSubnets = new SubnetCounts(limits.pending)
    this.#buckets = new TokenBuckets(components.clock, limits.rates)
  }

  /**
   * How many connections are accepted and not upgraded yet
   */
  get pending (): number {
    return this.#pendingCount
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
   */
  admit (remoteAddr: Multiaddr): AdmissionDecision<R> {
    const decision = this.#decide(remoteAddr)

    if (decision instanceof HeldAdmission) {
      return { admission: decision }
    }

    this.#components.onRefuse({ ...decision, remoteAddr })

    return { refusal: decision }
  }

  /**
   * The peer of a connection is known now. If it may not stay, the connection is to
   * be closed; it keeps what it has taken until `release`.
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

    if (held.isPending) {
      held.unset(PENDING)
      this.#pendingCount--
      this.#pendingSubnets.remove(held)
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

  #decide (remoteAddr: Multiaddr): HeldAdmission<R> | AdmissionRefusal {
    if (!this.#isStarted) {
      return bar('stopped', 'system')
    }

    const origin = originOf(remoteAddr)
    const reason = barredReason(this.#components, remoteAddr, origin)

    if (reason != null) {
      return bar(reason, scopeOf(origin))
    }

    if (this.#isAllowListed(origin)) {
      return this.#tryReserve(origin, ALLOW_LISTED | PENDING)
    }

    const { ip } = origin
    const empty = ip == null ? undefined : this.#components.hostRate.take(ip) ?? this.#buckets.take(ip)

    if (empty != null && !this.#isDialBack(origin)) {
      return { reason: 'rate', ...empty }
    }

    let decision: HeldAdmission<R> | AdmissionRefusal | undefined

    try {
      decision = this.#decideByCount(origin)

      return decision
    } finally {
      if (ip != null && empty == null && !(decision instanceof HeldAdmission)) {
        this.#buckets.refund(ip)
      }
    }
  }

  /**
   * A peer that dials back may do so while its network has used up its tokens, and
   * while there is much to do, but only with one connection at a time
   */
  #isDialBack ({ ip }: Origin): boolean {
    return ip != null && this.#components.hosts.has(ip) && this.#pendingSubnets.count(ip) === 0
  }

  #decideByCount (origin: Origin): HeldAdmission<R> | AdmissionRefusal {
    const pendingSubnet = this.#pendingSubnets.check(origin)

    if (pendingSubnet != null) {
      return { reason: 'subnet-pending', ...pendingSubnet }
    }

    if (this.#pendingCount >= this.maxPending) {
      return { reason: 'pending', scope: 'system', current: this.#pendingCount, limit: this.maxPending }
    }

    const load = this.#components.load?.check()

    if (load != null && !this.#isDialBack(origin)) {
      return { reason: 'load', ...load }
    }

    const subnet = this.#subnets.check(origin)

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    // who is discouraged may not have the last place
    if (this.#used + 1 >= this.maxConnections && isDiscouraged(this.#components, origin)) {
      return this.#refuseAsFull('discouraged')
    }

    return this.#tryReserve(origin, PENDING)
  }

  /**
   * The last step: a victim is not closed unless the newcomer can come in
   */
  #tryReserve (origin: Origin, flags: number): HeldAdmission<R> | AdmissionRefusal {
    const isFull = flags === PENDING && this.#used >= this.maxConnections
    const victim = isFull ? this.#victims.choose() : undefined

    if (isFull && victim == null) {
      return this.#refuseAsFull('max-connections')
    }

    let reservation: R

    try {
      reservation = this.#reserve(origin, flags)
    } catch (err) {
      return toRefusal(err)
    }

    const admission = this.#hold(origin, reservation, flags)

    if (victim != null) {
      this.#components.evict(victim)
    }

    return admission
  }

  #checkPeer (held: HeldAdmission<R>, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { bans, discouraged, realms, self } = this.#components

    if (peer === self || bans.ofPeer(peer) != null) {
      return bar(peer === self ? 'self' : 'banned', `peer:${peer}`)
    }

    const refusal = held.isAllowListed ? this.#leaveAllowList(held, peer) : undefined

    if (refusal != null) {
      return refusal
    }

    // it has a place itself, which must not be the last one
    if (!held.isAllowListed && this.#used >= this.maxConnections && discouraged.hasPeer(peer)) {
      return this.#refuseAsFull('discouraged')
    }

    try {
      if (realm != null) {
        realms.makeRoomFor(realm, peer, 'inbound')
      }

      held.reservation.setPeer(peer, realm)
    } catch (err) {
      return toRefusal(err)
    }
  }

  /**
   * The address is allow-listed for some peers. A peer that is none of them has to
   * keep to the limits like everybody.
   */
  #leaveAllowList (held: HeldAdmission<R>, peer: string): AdmissionRefusal | undefined {
    if (held.ip == null || this.#components.allowList.allows(held.ip, peer)) {
      return
    }

    const subnet = this.#subnets.check(held)

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    // it has a place itself
    const isFull = this.#used > this.maxConnections
    const victim = isFull ? this.#victims.choose() : undefined

    if (isFull && victim == null) {
      return this.#refuseAsFull('max-connections')
    }

    try {
      held.reservation.leaveAllowList()
    } catch (err) {
      return toRefusal(err)
    }

    held.unset(ALLOW_LISTED)
    this.#subnets.add(held)

    if (victim != null) {
      this.#components.evict(victim)
    }
  }

  /**
   * How many places are taken, those of connections that are not upgraded yet
   * included: otherwise several could take the last one at the same time
   */
  get #used (): number {
    return this.#components.connectionCount() + this.#pendingCount
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

    if (held.isPending) {
      this.#pendingCount++
      this.#pendingSubnets.add(origin)
    }

    return held
  }
}

function asHeld<R extends Reservation> (admission: Admission<R>): HeldAdmission<R> {
  // only `hold` makes admissions
  return admission as HeldAdmission<R>
}
