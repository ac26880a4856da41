import { scopeOf } from '../addresses/index.ts'
import { reserveConnection } from '../resources/index.ts'
import { ArrivalRates } from './arrival-rates.ts'
import { barredReason } from './barred.ts'
import { ConnectionPlaces } from './connection-places.ts'
import { PendingHandshakes, countsPending } from './pending-handshakes.ts'
import { bar, toRefusal } from './refusals.ts'
import { SubnetCounts } from './subnet-counts.ts'
import type { AdmissionComponents, AdmissionLimits } from './admission-components.ts'
import type { ConnectionPlace } from './connection-places.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { AdmissionRefusal } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { Origin } from '../addresses/index.ts'
import type { ConnectionEntry, Undo } from '../core/index.ts'
import type { ConnectionLimitError, OnFull, RateLimits } from '../resources/index.ts'

/**
 * Decides which inbound connections may come in. Everything is decided in memory, before
 * anything is spent on the connection. What a connection takes is noted in its record, which
 * gives it back; what is refused has taken nothing.
 */
export class AdmissionPipeline<C extends EvictionCandidate = EvictionCandidate> {
  readonly #components: AdmissionComponents<C>
  readonly #places: ConnectionPlaces<C>
  readonly #subnets: SubnetCounts
  readonly #pending: PendingHandshakes
  readonly #rates: ArrivalRates
  #isStarted = false

  readonly #leavePending: Undo = entry => { this.#pending.delete(entry) }
  readonly #leaveSubnets: Undo = entry => { this.#subnets.remove(entry) }
  readonly #leavePlaces: Undo = () => { this.#places.leave() }

  /**
   * @param components - what the pipeline asks others about
   * @param limits - what it holds
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<C>, limits: AdmissionLimits, hashKey?: HashKey) {
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
    this.#subnets.setLimits(limits, [...this.#components.entries()].filter(entry => entry.hasTaken(this.#leaveSubnets)))
  }

  /**
   * Change how often networks may connect. All begin with what they may do at once.
   */
  setRateLimits (limits: RateLimits): void {
    this.#rates.setLimits(limits)
  }

  /**
   * Whether a connection that was just made may come in. Returns why not; then it has taken
   * nothing. When others need its place before it is upgraded, its record gives everything
   * back, and its socket is aborted.
   */
  admit (entry: ConnectionEntry): AdmissionRefusal | undefined {
    const refusal = this.#decide(entry)

    if (refusal != null) {
      this.#components.onRefuse({ ...refusal, remoteAddr: entry.remoteAddr })
    }

    return refusal
  }

  /**
   * The peer of a connection is known now, and it counts towards `maxConnections`. If it may
   * not stay, the connection is to be closed; it keeps what it has taken until then.
   */
  identify (entry: ConnectionEntry, peer: string, realm?: string): AdmissionRefusal | undefined {
    const refusal = this.#checkPeer(entry, peer, realm)

    if (refusal != null) {
      this.#components.onRefuse({ ...refusal, remoteAddr: entry.remoteAddr, peer })
    }

    return refusal
  }

  /**
   * The connection is upgraded, and counted by `connectionCount` from now on.
   * Harmless when it was upgraded or has given everything back before.
   */
  upgraded (entry: ConnectionEntry): void {
    if (entry.forget(this.#leavePending)) {
      this.#pending.delete(entry)
    }

    if (entry.forget(this.#leavePlaces)) {
      this.#places.leave()
    }
  }

  /**
   * Count a connection that came in without being asked about, as after hole
   * punching. It is open already, so the limits by address are not checked.
   *
   * @param entry - its record, which gives back what it takes
   * @param onFull - asked once if there is no place for it
   * @throws {ResourceLimitError} if nothing can be reserved for it
   */
  account (entry: ConnectionEntry, onFull?: OnFull): void {
    entry.isAllowListed = this.#isAllowListed(entry)
    this.#reserve(entry, onFull)
  }

  #isAllowListed ({ ip }: Origin): boolean {
    return ip != null && this.#components.allowList.has(ip)
  }

  #decide (entry: ConnectionEntry): AdmissionRefusal | undefined {
    if (!this.#isStarted) {
      return bar('stopped', 'system')
    }

    const reason = barredReason(this.#components, entry.remoteAddr, entry)

    if (reason != null) {
      return bar(reason, scopeOf(entry))
    }

    if (this.#isAllowListed(entry)) {
      entry.isAllowListed = true

      return this.#enter(entry)
    }

    this.#pending.knock(entry)

    const arrival = this.#rates.arrive(entry.ip)
    const { exceeded, isDialBack } = arrival

    if (exceeded != null && !isDialBack) {
      return { reason: 'rate', ...exceeded }
    }

    let isIn = false

    try {
      const load = this.#components.load?.check()
      const refusal = load == null || isDialBack ? this.#decideByCount(entry) : { reason: 'load' as const, ...load }
      isIn = refusal == null

      if ((exceeded ?? load) != null && isIn) {
        this.#rates.except(arrival)
      }

      return refusal
    } finally {
      if (!isIn) {
        this.#rates.refund(arrival)
      }
    }
  }

  #decideByCount (entry: ConnectionEntry): AdmissionRefusal | undefined {
    const pendingSubnet = this.#pending.check(entry)

    if (pendingSubnet != null) {
      return { reason: 'subnet-pending', ...pendingSubnet }
    }

    const subnet = this.#subnets.check(entry)

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    return this.#places.check(entry) ?? this.#enter(entry)
  }

  /**
   * The last step. When the connections that are not upgraded yet have taken all places, or
   * all that they may use, one of them makes place for the newcomer.
   */
  #enter (entry: ConnectionEntry, mayReplace = !entry.isAllowListed): AdmissionRefusal | undefined {
    const { isAllowListed } = entry
    const isFull = !isAllowListed && this.#pending.isFull
    const victim = isFull && mayReplace ? this.#pending.victimFor(entry) : undefined

    if (isFull && victim == null) {
      return this.#refuseAsPending()
    }

    try {
      this.#reserve(entry, mayReplace ? undefined : error => !isAllowListed && this.#makePlace(error, entry))
    } catch (err) {
      const refusal = toRefusal(err)

      if (!mayReplace || !countsPending(refusal.scope)) {
        return refusal
      }

      // what is not open goes first
      this.#giveWay(victim ?? this.#pending.victimFor(entry))

      return this.#enter(entry, false)
    }

    this.#giveWay(victim)
    this.#pending.add(entry, !isAllowListed)
    entry.undo(this.#leavePending)
  }

  /**
   * A connection that is not upgraded yet gives back what it has taken, and is closed as if
   * it had been refused
   */
  #giveWay (victim: ConnectionEntry | undefined): void {
    if (victim == null) {
      return
    }

    const { remoteAddr, socket } = victim
    const refusal = this.#refuseAsPending()
    victim.phase = 'closed'
    this.#components.giveBack(victim)

    if (socket != null) {
      this.#components.onRefuse({ ...refusal, remoteAddr })
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

  #checkPeer (entry: ConnectionEntry, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { allowList, bans, realms, self } = this.#components
    const { ip, scope } = entry

    // it has given way to others
    if (scope == null || entry.phase === 'closed') {
      return bar('pending', 'system')
    }

    if (peer === self || bans.ofPeer(peer) != null) {
      return bar(peer === self ? 'self' : 'banned', `peer:${peer}`)
    }

    const leavesAllowList = ip != null && entry.isAllowListed && !allowList.allows(ip, peer)
    // its address is listed for other peers: it has to keep to the limits like everybody
    const subnet = leavesAllowList ? this.#subnets.check(entry) : undefined

    if (subnet != null) {
      return { reason: 'subnet', ...subnet }
    }

    const { refusal, victim }: ConnectionPlace<C> = leavesAllowList || !entry.isAllowListed ? this.#places.find(peer, entry) : {}

    if (refusal != null) {
      return refusal
    }

    try {
      if (leavesAllowList) {
        scope.leaveAllowList()
        entry.isAllowListed = false
        this.#countInSubnets(entry)
      }

      if (realm != null) {
        realms.makeRoomFor(realm, peer, 'inbound', entry.remoteAddr)
      }

      scope.setPeer(peer, realm, error => this.#makePlace(error, entry, peer, victim))
    } catch (err) {
      return toRefusal(err)
    }

    // somebody may have left for its realm already
    if (victim != null && this.#places.areTaken) {
      this.#components.evict(victim)
    }

    if (entry.phase === 'accepted') {
      entry.phase = 'identified'
      this.#places.take()
      entry.undo(this.#leavePlaces)
    }
  }

  /**
   * What every connection takes that comes in
   */
  #reserve (entry: ConnectionEntry, onFull?: OnFull): void {
    reserveConnection(entry, this.#components.resources, {
      direction: 'inbound',
      allowListed: entry.isAllowListed,
      fileDescriptor: entry.fileDescriptor,
      onFull
    })

    if (!entry.isAllowListed) {
      this.#countInSubnets(entry)
    }
  }

  #countInSubnets (entry: ConnectionEntry): void {
    this.#subnets.add(entry)
    entry.undo(this.#leaveSubnets)
  }
}
