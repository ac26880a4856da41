import { nextAddressState, wantsProbe } from './address-state.ts'
import { detailOf, listCandidates, socketKey, withVote } from './candidates.ts'
import { meetPeers, ServerPool } from './server-pool.ts'
import type { AddressEvent, AddressRules, AddressStatus } from './address-state.ts'
import type { Announcer, AnnouncedAddresses } from './announcer.ts'
import type { AutoNAT } from './autonat.ts'
import type { AddressOrigin, Candidate } from './candidates.ts'
import type { DialVerdict } from './messages.ts'
import type { Server } from './server-pool.ts'
import type { SocketAddress } from '../../addresses/index.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Agenda } from '../agenda.ts'
import type { AddressReachability, AddressReachabilityChange, DistrustedServer } from '../events.ts'
import type { ReachabilityOptions } from '../resolve-options.ts'
import type { Connection, Logger, PeerStore } from '@libp2p/interface'
import type { AddressType, ConnectionManager, RandomWalk } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the prober needs of the node
 */
export interface ProberComponents {
  addressManager: AnnouncedAddresses
  connectionManager: ConnectionManager
  peerStore: PeerStore
  randomWalk: RandomWalk
}

/**
 * What the prober needs
 */
export interface ProberEnvironment {
  components: ProberComponents
  autonat: Pick<AutoNAT, 'probe'>
  announcer: Announcer
  agenda: Agenda
  clock: Clock
  random: Random
  options: ReachabilityOptions['probe']
  log: Logger

  /**
   * Where an address comes from
   */
  originOf(socket: SocketAddress, type: AddressType): AddressOrigin

  /**
   * Something is known about an address that was not known before
   */
  onChange(type: Exclude<AddressStatus, 'unknown'>, detail: AddressReachabilityChange): void

  /**
   * A server claims to have dialled what it did not dial
   */
  onLie(detail: DistrustedServer): void

  /**
   * A server answered
   */
  onProbe(verdict: DialVerdict): void

  /**
   * The addresses or the servers are others
   */
  onUpdate(): void
}

const JOB = 'prober'
const WALK_TIME = 10_000

// go-libp2p: five refusals in a row, or ten dials, in ten minutes
const MAX_REFUSALS = 5
const MAX_DIALS = 10
const DIALS_INTERVAL = 600_000
const VOTES = 5
const NO_SERVERS = { min: 5_000, max: 300_000 }

// at this share of the connection limit a failed dial says nothing (libp2p)
const CROWDED = 0.8

/**
 * Has the addresses of this node verified: decides which server to ask about
 * which address, and draws the conclusions
 */
export class Prober {
  readonly #env: ProberEnvironment
  readonly #servers: ServerPool
  #candidates = new Map<string, Candidate>()
  #abort?: AbortController

  // the requests that were made in the network of now
  #requests = new AbortController()
  #running = 0
  #isWalking = false

  constructor (env: ProberEnvironment) {
    this.#env = env
    this.#servers = new ServerPool({
      components: env.components,
      clock: env.clock,
      random: env.random,
      throttle: env.options.serverThrottle,
      onAvailable: () => {
        this.#candidates.forEach(candidate => { this.#apply(candidate, { type: 'available' }) })
        this.#env.onUpdate()
        this.#run()
      }
    })
  }

  start (): void {
    this.#abort ??= new AbortController()
    this.#requests = new AbortController()
    this.update()
  }

  stop (): void {
    this.#abort?.abort()
    this.#abort = undefined
    this.#requests.abort()
    this.#env.agenda.delete(JOB)
    this.#candidates.clear()
    this.#servers.clear()
  }

  addServer (connection: Connection): void {
    if (this.#abort != null) {
      this.#servers.add(connection).catch(err => { this.#env.log.error('could not add a server - %e', err) })
    }
  }

  removeServer (peer: Connection['remotePeer']): void {
    this.#servers.remove(peer)
    this.#env.onUpdate()
  }

  get hasServers (): boolean {
    return this.#servers.size > 0
  }

  /**
   * Look which addresses there are now
   */
  update (): void {
    if (this.#abort == null) {
      return
    }

    const { options, clock } = this.#env

    this.#candidates = listCandidates(this.#env.components.addressManager.getAddressesWithMetadata(), this.#candidates, this.#env.originOf, options.maxCandidates, clock.now(), options.newAddressDelay)
    this.#env.onUpdate()
    this.#run()
  }

  /**
   * This address leads nowhere any more
   */
  withdraw (socket: SocketAddress): void {
    const candidate = this.#candidates.get(socketKey(socket))

    if (candidate != null) {
      this.#candidates.delete(candidate.key)
      this.#env.announcer.withdraw(candidate.multiaddrs, 0)
    }
  }

  /**
   * The network is another one: make new connections, then ask again. Requests that run
   * would wait for answers over dead connections, and keep their servers busy.
   */
  networkChanged (): void {
    if (this.#abort != null) {
      this.#requests.abort()
      this.#requests = new AbortController()
      this.#servers.refresh(this.#env.options.concurrency, this.#abort.signal)
      this.#candidates.forEach(candidate => { candidate.skipped.clear() })
    }
  }

  /**
   * Ask again, about one address or all
   */
  request (address?: Multiaddr): void {
    const text = address?.toString()

    for (const candidate of this.#candidates.values()) {
      if (text == null || candidate.multiaddrs.some(ma => ma.toString() === text)) {
        candidate.skipped.clear()
        this.#apply(candidate, { type: 'requested' })
      }
    }

    this.#run()
  }

  getCandidates (): Candidate[] {
    return [...this.#candidates.values()]
  }

  getAddresses (): AddressReachability[] {
    return this.getCandidates().flatMap(candidate => candidate.multiaddrs.map(addr => ({
      ...detailOf(candidate),
      addr,
      state: candidate.state.status,
      lastVerified: candidate.state.lastVerified
    })))
  }

  #run (): void {
    if (this.#abort == null || !this.#env.options.enabled) {
      return
    }

    const now = this.#env.clock.now()

    for (const candidate of this.#candidates.values()) {
      if (now < candidate.state.wakeAt) {
        continue
      }

      const servers = this.#servers.available(candidate.socket.family, id => (candidate.skipped.get(id) ?? 0) > now)

      for (const server of servers) {
        if (this.#running < this.#env.options.concurrency && wantsProbe(candidate.state, server.group, now, this.#rulesFor(candidate))) {
          this.#probe(candidate, server, this.#requests.signal)
        }
      }

      const isWaiting = servers.some(({ group }) => wantsProbe(candidate.state, group, now, this.#rulesFor(candidate)))

      if (candidate.state.asking.length === 0 && !isWaiting && !this.#servers.isBusy) {
        this.#apply(candidate, { type: 'exhausted' })
        this.#walk(this.#abort.signal)
      }
    }

    const at = Math.min(this.#servers.wakeAt, ...[...this.#candidates.values()].map(({ state }) => state.wakeAt > now ? state.wakeAt : Infinity))

    if (at === Infinity) {
      this.#env.agenda.delete(JOB)
    } else {
      this.#env.agenda.set(JOB, at, () => { this.#run() })
    }
  }

  #probe (candidate: Candidate, server: Server, signal: AbortSignal): void {
    const connection = this.#servers.connectionTo(server)

    if (connection == null) {
      this.#servers.answered(server, 'failed')
      return
    }

    this.#running++
    this.#servers.ask(server)
    this.#apply(candidate, { type: 'probe', group: server.group })
    this.#env.log('asking %p to dial %a', server.peer, candidate.multiaddrs[0])

    this.#env.autonat.probe(candidate.multiaddrs[0], connection, signal)
      .catch((): DialVerdict => 'failed')
      .then(verdict => {
        this.#running--

        if (!signal.aborted) {
          this.#conclude(candidate, server, verdict)
        } else if (this.#abort != null) {
          this.#servers.answered(server, 'well')
          this.#settle(candidate, () => ({ type: 'inconclusive', group: server.group }))
        }
      })
      .catch(err => { this.#env.log.error('verifying an address failed - %e', err) })
  }

  #conclude (asked: Candidate, server: Server, verdict: DialVerdict): void {
    this.#env.log('%p says that %a is %s', server.peer, asked.multiaddrs[0], verdict)
    this.#env.onProbe(verdict)
    this.#servers.answered(server, verdict === 'rejected' || verdict === 'failed' ? verdict : 'well')

    if (verdict === 'lied') {
      this.#servers.distrust(server)
      this.#env.onLie({ server: server.peer, addr: asked.multiaddrs[0] })
    }

    this.#settle(asked, candidate => this.#eventFor(candidate, server, verdict))
  }

  #settle (asked: Candidate, eventFor: (candidate: Candidate) => AddressEvent): void {
    const candidate = this.#candidates.get(asked.key)

    // it may have gone, and come back as something else
    if (candidate != null && candidate.skipped === asked.skipped) {
      this.#apply(candidate, eventFor(candidate))
    }

    this.#run()
  }

  #eventFor (candidate: Candidate, server: Server, verdict: DialVerdict): AddressEvent {
    const { group } = server
    const vote = { type: 'voted', group } as const
    const inconclusive = { type: 'inconclusive', group } as const
    const skip = (): void => { candidate.skipped.set(server.id, this.#env.clock.now() + this.#env.options.serverThrottle) }

    switch (verdict) {
      case 'reachable':
        return { ...vote, success: true }
      case 'unreachable':
        if (!this.#isCrowded()) {
          return { ...vote, success: false }
        }

        skip()

        return inconclusive
      case 'refused':
        skip()

        return { type: 'refused', group }
      case 'dial-back-failed':
        skip()

        return inconclusive
      default:
        return inconclusive
    }
  }

  #apply (candidate: Candidate, event: AddressEvent): void {
    const before = candidate.state.status
    const next = nextAddressState(candidate.state, event, this.#env.clock.now(), this.#rulesFor(candidate))
    const detail = detailOf({ ...candidate, state: next.votes.length > 0 ? next : withVote(candidate, event) })
    candidate.state = next
    const { status } = next

    if (event.type === 'voted' && event.success && status === 'reachable') {
      // the address manager never withdraws by itself what was verified once
      this.#env.announcer.confirm(candidate.multiaddrs, this.#env.options.reprobeReachable * 2)
    }

    if (status !== before && status !== 'unknown') {
      if (status === 'unreachable') {
        this.#env.announcer.withdraw(candidate.multiaddrs, this.#env.options.reprobeUnreachable)
      }

      this.#env.onChange(status, detail)
    }

    this.#env.onUpdate()
  }

  #rulesFor ({ origin }: Candidate): AddressRules {
    const { options } = this.#env

    return {
      required: origin === 'forwarded' ? options.minConfidence : 1,
      minConfidence: options.minConfidence,
      targetConfidence: options.targetConfidence,
      window: Math.max(VOTES, options.targetConfidence),
      voteInterval: options.serverThrottle,
      reprobeReachable: options.reprobeReachable,
      reprobeUnreachable: options.reprobeUnreachable,
      noServers: NO_SERVERS,
      maxRefusals: MAX_REFUSALS,
      maxDials: MAX_DIALS,
      dialsInterval: DIALS_INTERVAL
    }
  }

  #isCrowded (): boolean {
    const { connectionManager } = this.#env.components

    return connectionManager.getConnections().length >= connectionManager.getMaxConnections() * CROWDED
  }

  /**
   * Meet peers, while there is nobody to ask
   */
  #walk (signal: AbortSignal): void {
    if (this.#isWalking || this.#servers.size > 0 || this.#env.options.walk === 'never') {
      return
    }

    this.#isWalking = true
    const abort = new AbortController()
    const onAbort = (): void => { abort.abort() }
    const timer = this.#env.clock.setTimeout(onAbort, WALK_TIME)
    signal.addEventListener('abort', onAbort)

    meetPeers(this.#env.components, () => this.#servers.size > 0, abort.signal)
      .catch(err => { this.#env.log('could not find servers - %e', err) })
      .finally(() => {
        timer.clear()
        signal.removeEventListener('abort', onAbort)
        this.#isWalking = false
      })
  }
}
