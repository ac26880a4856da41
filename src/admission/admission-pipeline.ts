import { barredReason, isDiscouraged } from './barred.ts'
import { HeldAdmission } from './held-admission.ts'
import { LinkedList } from './linked-list.ts'
import { originOf, scopeOf } from './origin.ts'
import { refuse, toRefusal } from './refusals.ts'
import { SubnetCounts } from './subnet-counts.ts'
import { TokenBuckets } from './token-buckets.ts'
import { VictimChooser } from './victim-chooser.ts'
import type { AdmissionComponents, AdmissionLimits } from './admission-components.ts'
import type { Admission, AdmissionDecision, Reservation } from './admission.ts'
import type { AdmissionState } from './held-admission.ts'
import type { HashKey } from './keyed-hash.ts'
import type { Origin } from './origin.ts'
import type { AdmissionRefusal } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { RateLimits } from '../resources/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Decides which inbound connections may come in, and keeps what they have taken.
 * Everything is decided in memory, before anything is spent on the connection, and
 * what is refused has taken nothing.
 */
export class AdmissionPipeline<R extends Reservation = Reservation> {
  /**
   * May be changed at any time
   */
  maxConnections: number

  /**
   * May be changed at any time
   */
  maxPending: number

  readonly #components: AdmissionComponents<R>
  readonly #victims: VictimChooser
  readonly #subnets: SubnetCounts
  readonly #pendingSubnets: SubnetCounts
  #buckets: TokenBuckets
  readonly #held = new LinkedList<HeldAdmission<R>>()
  #pendingCount = 0
  #isStarted = false

  /**
   * @param components - what the pipeline asks others about
   * @param limits - what it holds
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<R>, limits: AdmissionLimits, hashKey?: HashKey) {
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

  /**
   * How many connections hold something
   */
  get size (): number {
    return this.#held.size
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
    this.#subnets.setLimits(limits, [...this.#held].filter(({ isAllowListed }) => !isAllowListed))
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

    if (decision.refusal != null) {
      this.#components.onRefuse?.(decision.refusal, remoteAddr)
    }

    return decision
  }

  /**
   * The peer of a connection is known now. If it may not stay, the connection is to
   * be closed; it keeps what it has taken until `release`.
   */
  identify (admission: Admission<R>, remoteAddr: Multiaddr, peer: string, realm?: string): AdmissionRefusal | undefined {
    const refusal = this.#checkPeer(asHeld(admission), peer, realm)

    if (refusal != null) {
      this.#components.onRefuse?.(refusal, remoteAddr, peer)
    }

    return refusal
  }

  /**
   * The connection is upgraded, and counted by `connectionCount` from now on.
   * Harmless when it was upgraded or released before.
   */
  upgraded (admission: Admission<R>): void {
    const held = asHeld(admission)

    if (held.isPending && !held.isReleased) {
      held.isPending = false
      this.#pendingCount--
      this.#pendingSubnets.remove(held)
    }
  }

  /**
   * Give back what a connection has taken. Harmless when it was released before.
   */
  release (admission: Admission<R>): void {
    const held = asHeld(admission)

    if (held.isReleased) {
      return
    }

    this.upgraded(held)
    held.isReleased = true
    this.#held.delete(held)

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
    const isAllowListed = origin.ip != null && this.#components.allow?.has(origin.ip) === true

    return this.#hold(origin, this.#reserve(origin, isAllowListed), { isAllowListed, isPending: false, isDiscouraged: isDiscouraged(this.#components, origin) })
  }

  #decide (remoteAddr: Multiaddr): AdmissionDecision<R> {
    if (!this.#isStarted) {
      return refuse('stopped', { scope: 'system', current: 0, limit: 0 })
    }

    const origin = originOf(remoteAddr)
    const reason = barredReason(this.#components, remoteAddr, origin)

    if (reason != null) {
      return refuse(reason, { scope: scopeOf(origin), current: 0, limit: 0 })
    }

    if (origin.ip != null && this.#components.allow?.has(origin.ip) === true) {
      return this.#tryReserve(origin, { isAllowListed: true, isPending: true, isDiscouraged: false })
    }

    const { ip } = origin
    const empty = ip == null ? undefined : this.#components.hostRate?.take(ip) ?? this.#buckets.take(ip)

    if (empty != null && !this.#isDialBack(origin)) {
      return refuse('rate', empty)
    }

    let decision: AdmissionDecision<R> | undefined

    try {
      decision = this.#decideByCount(origin)

      return decision
    } finally {
      if (ip != null && empty == null && decision?.admission == null) {
        this.#buckets.refund(ip)
      }
    }
  }

  /**
   * A peer that dials back may do so while its network has used up its tokens, and
   * while there is much to do, but only with one connection at a time
   */
  #isDialBack ({ ip }: Origin): boolean {
    return ip != null && this.#components.isConnectedHost?.(ip) === true && this.#pendingSubnets.count(ip) === 0
  }

  #decideByCount (origin: Origin): AdmissionDecision<R> {
    const pendingSubnet = this.#pendingSubnets.check(origin)

    if (pendingSubnet != null) {
      return refuse('subnet-pending', pendingSubnet)
    }

    if (this.#pendingCount >= this.maxPending) {
      return refuse('pending', { scope: 'system', current: this.#pendingCount, limit: this.maxPending })
    }

    const load = this.#components.load?.check()

    if (load != null && !this.#isDialBack(origin)) {
      return refuse('load', load)
    }

    const subnet = this.#subnets.check(origin)

    if (subnet != null) {
      return refuse('subnet', subnet)
    }

    const used = this.#used()
    const state: AdmissionState = { isAllowListed: false, isPending: true, isDiscouraged: isDiscouraged(this.#components, origin) }

    // who is discouraged may not have the last place
    if (state.isDiscouraged && used + 1 >= this.maxConnections) {
      return refuse('discouraged', { scope: 'system', current: used, limit: this.maxConnections })
    }

    return this.#tryReserve(origin, state)
  }

  /**
   * The last step: a victim is not closed unless the newcomer can come in
   */
  #tryReserve (origin: Origin, state: AdmissionState): AdmissionDecision<R> {
    const used = this.#used()
    const isFull = !state.isAllowListed && used >= this.maxConnections
    const victim = isFull ? this.#victims.choose() : undefined

    if (isFull && victim == null) {
      return refuse('max-connections', { scope: 'system', current: used, limit: this.maxConnections })
    }

    let reservation: R

    try {
      reservation = this.#reserve(origin, state.isAllowListed)
    } catch (err) {
      return { refusal: toRefusal(err) }
    }

    const admission = this.#hold(origin, reservation, state)

    if (victim != null) {
      this.#components.evict(victim)
    }

    return { admission }
  }

  #checkPeer (held: HeldAdmission<R>, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { bans, discouraged, self } = this.#components
    const scope = `peer:${peer}`

    if (peer === self) {
      return { reason: 'self', scope, current: 0, limit: 0 }
    }

    if (bans?.ofPeer(peer) != null) {
      return { reason: 'banned', scope, current: 0, limit: 0 }
    }

    if (held.isAllowListed) {
      const refusal = this.#leaveAllowList(held, peer)

      if (refusal != null) {
        return refusal
      }
    }

    if (!held.isAllowListed && discouraged?.hasPeer(peer) === true) {
      held.isDiscouraged = true
      const used = this.#used()

      // it has a place itself, which must not be the last one
      if (used >= this.maxConnections) {
        return { reason: 'discouraged', scope: 'system', current: used, limit: this.maxConnections }
      }
    }

    try {
      if (realm != null) {
        this.#components.makeRoom?.(realm, peer, 'inbound')
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
    if (held.ip == null || this.#components.allow?.allows(held.ip, peer) === true) {
      return
    }

    const subnet = this.#subnets.check(held)

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    // it has a place itself
    const used = this.#used()
    const isFull = used > this.maxConnections
    const victim = isFull ? this.#victims.choose() : undefined

    if (isFull && victim == null) {
      return { reason: 'max-connections', scope: 'system', current: used, limit: this.maxConnections }
    }

    try {
      held.reservation.leaveAllowList()
    } catch (err) {
      return toRefusal(err)
    }

    held.isAllowListed = false
    this.#subnets.add(held)

    if (victim != null) {
      this.#components.evict(victim)
    }
  }

  /**
   * How many places are taken, those of connections that are not upgraded yet
   * included: otherwise several could take the last one at the same time
   */
  #used (): number {
    return this.#components.connectionCount() + this.#pendingCount
  }

  #reserve ({ fileDescriptor }: Origin, allowListed: boolean): R {
    return this.#components.reserve({ direction: 'inbound', allowListed, fileDescriptor })
  }

  #hold (origin: Origin, reservation: R, state: AdmissionState): HeldAdmission<R> {
    const { isAllowListed, isPending } = state
    const held = new HeldAdmission(origin, reservation, state)
    this.#held.add(held)

    if (!isAllowListed) {
      this.#subnets.add(origin)
    }

    if (isPending) {
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
