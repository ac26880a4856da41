import { ArrivalRates } from './arrival-rates.ts'
import { barredReason } from './barred.ts'
import { ConnectionPlaces } from './connection-places.ts'
import { ALLOW_LISTED, HELD, HeldAdmission, IDENTIFIED } from './held-admission.ts'
import { LinkedList } from './linked-list.ts'
import { originOf, scopeOf } from './origin.ts'
import { PendingHandshakes, countsPending } from './pending-handshakes.ts'
import { bar, toRefusal } from './refusals.ts'
import { SubnetCounts } from './subnet-counts.ts'
import type { AdmissionComponents, AdmissionLimits } from './admission-components.ts'
import type { Admission, AdmissionDecision, Reservation } from './admission.ts'
import type { ConnectionPlace } from './connection-places.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { Origin } from './origin.ts'
import type { AbortableSocket, PendingHandshake } from './pending-handshakes.ts'
import type { AdmissionRefusal } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { ConnectionLimitError, OnFull, RateLimits } from '../resources/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Decides which inbound connections may come in, and keeps what they have taken.
 * Everything is decided in memory, before anything is spent on the connection, and
 * what is refused has taken nothing.
 */
export class AdmissionPipeline<R extends Reservation = Reservation, C extends EvictionCandidate = EvictionCandidate> {
  readonly #components: AdmissionComponents<R, C>
  readonly #places: ConnectionPlaces<R, C>
  readonly #subnets: SubnetCounts
  readonly #pending: PendingHandshakes<HeldAdmission<R>>
  readonly #rates: ArrivalRates
  private readonly held = new LinkedList<HeldAdmission<R>>()
  #isStarted = false

  /**
   * @param components - what the pipeline asks others about
   * @param limits - what it holds
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<R, C>, limits: AdmissionLimits, hashKey?: HashKey) {
    this.#components = components
    this.#places = new ConnectionPlaces(components, limits.maxConnections, hashKey)
    this.#subnets = new SubnetCounts(limits.subnets)
    this.#pending = new PendingHandshakes(components, limits.maxPending, limits.pending)
    this.#rates = new ArrivalRates(components, limits.rates)
  }

  /**
   * How many connections there may be. May be changed at any time.
   */
  get maxConnections (): number {
    return this.#places.limit
  }

  set maxConnections (limit: number) {
    this.#places.limit = limit
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
    this.#rates.setLimits(limits)
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
    const refusal = this.#checkPeer(asHeld(admission), remoteAddr, peer, realm)

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

      if (held.has(IDENTIFIED)) {
        held.unset(IDENTIFIED)
        this.#places.leave()
      }
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
   * @param remoteAddr - where it comes from
   * @param onFull - asked once if there is no place for it
   * @throws {ResourceLimitError} if nothing can be reserved for it
   */
  account (remoteAddr: Multiaddr, onFull?: OnFull): Admission<R> {
    const origin = originOf(remoteAddr)
    const flags = this.#isAllowListed(origin) ? ALLOW_LISTED : 0

    return this.#hold(origin, this.#reserve(origin, flags, onFull), flags)
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

    const arrival = this.#rates.arrive(origin.ip)
    const { exceeded, isDialBack } = arrival

    if (exceeded != null && !isDialBack) {
      return { reason: 'rate', ...exceeded }
    }

    let decision: HeldAdmission<R> | AdmissionRefusal | undefined

    try {
      const load = this.#components.load?.check()
      decision = load == null || isDialBack ? this.#decideByCount(origin, socket) : { reason: 'load', ...load }

      if ((exceeded ?? load) != null && decision instanceof HeldAdmission) {
        this.#rates.except(arrival)
      }

      return decision
    } finally {
      if (!(decision instanceof HeldAdmission)) {
        this.#rates.refund(arrival)
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

    return this.#places.check(origin) ?? this.#tryHold(origin, 0, socket)
  }

  /**
   * The last step. When the connections that are not upgraded yet have taken all places, or
   * all that they may use, one of them makes place for the newcomer.
   */
  #tryHold (origin: Origin, flags: number, socket?: AbortableSocket, mayReplace = flags !== ALLOW_LISTED): HeldAdmission<R> | AdmissionRefusal {
    const isFull = flags !== ALLOW_LISTED && this.#pending.isFull
    const victim = isFull && mayReplace ? this.#pending.victimFor(origin) : undefined

    if (isFull && victim == null) {
      return this.#refuseAsPending()
    }

    let reservation: R

    try {
      reservation = this.#reserve(origin, flags, mayReplace ? undefined : error => flags !== ALLOW_LISTED && this.#makePlace(error, origin))
    } catch (err) {
      const refusal = toRefusal(err)

      if (!mayReplace || !countsPending(refusal.scope)) {
        return refusal
      }

      // what is not open goes first
      this.#giveWay(victim ?? this.#pending.victimFor(origin))

      return this.#tryHold(origin, flags, socket, false)
    }

    this.#giveWay(victim)
    const held = this.#hold(origin, reservation, flags)
    held.pending = this.#pending.add(held, origin, flags !== ALLOW_LISTED, socket)

    return held
  }

  /**
   * A connection that is not upgraded yet gives back what it has taken, and is closed as if
   * it had been refused
   */
  #giveWay (victim: PendingHandshake<HeldAdmission<R>> | undefined): void {
    if (victim == null) {
      return
    }

    const { held, socket } = victim
    const refusal = this.#refuseAsPending()
    this.release(held)

    if (socket != null) {
      this.#components.onRefuse({ ...refusal, remoteAddr: socket.remoteAddr })
      socket.abort(new Error('Closed before it was upgraded, as others needed its place'))
    }
  }

  #refuseAsPending (): AdmissionRefusal {
    return { reason: 'pending', scope: 'system', current: this.#pending.size, limit: this.maxPending }
  }

  /**
   * There is no place for a connection. Returns whether another one has given up its own.
   */
  #makePlace (error: ConnectionLimitError, origin: Origin, peer?: string, chosen?: C): boolean {
    if (this.#components.makePlace?.(error, peer) === true) {
      return true
    }

    // a limit that was lowered at run time is held by trims
    const isOneMissing = error.current + error.requested <= error.limit + 1
    const victim = isOneMissing ? chosen ?? this.#places.victimFor({ resource: error.resource, peer }, origin) : undefined
    victim != null && this.#components.evict(victim)

    return victim != null
  }

  #checkPeer (held: HeldAdmission<R>, remoteAddr: Multiaddr, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { bans, realms, self } = this.#components

    // it has given way to others
    if (!held.has(HELD)) {
      return bar('pending', 'system')
    }

    if (peer === self || bans.ofPeer(peer) != null) {
      return bar(peer === self ? 'self' : 'banned', `peer:${peer}`)
    }

    const leavesAllowList = held.ip != null && held.isAllowListed && !this.#components.allowList.allows(held.ip, peer)
    // its address is listed for other peers: it has to keep to the limits like everybody
    const subnet = leavesAllowList ? this.#subnets.check(held) : undefined

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    const { refusal, victim }: ConnectionPlace<C> = leavesAllowList || !held.isAllowListed ? this.#places.find(peer, held) : {}

    if (refusal != null) {
      return refusal
    }

    try {
      if (leavesAllowList) {
        held.reservation.leaveAllowList()
        held.unset(ALLOW_LISTED)
        this.#subnets.add(held)
      }

      if (realm != null) {
        realms.makeRoomFor(realm, peer, 'inbound', remoteAddr)
      }

      held.reservation.setPeer(peer, realm, error => this.#makePlace(error, held, peer, victim))
    } catch (err) {
      return toRefusal(err)
    }

    // somebody may have left for its realm already
    if (victim != null && this.#places.areTaken) {
      this.#components.evict(victim)
    }

    if (held.isPending && !held.has(IDENTIFIED)) {
      held.set(IDENTIFIED)
      this.#places.take()
    }
  }

  #reserve ({ fileDescriptor }: Origin, flags: number, onFull?: OnFull): R {
    return this.#components.resources.openConnection({ direction: 'inbound', allowListed: (flags & ALLOW_LISTED) !== 0, fileDescriptor, onFull })
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
