import { hostRange, ipGroup, isPublicIp, remoteIp, socketAddressOf } from '../../addresses/index.ts'
import { RecentMap } from '../../recent-map.ts'
import { backOff } from '../agenda.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Connection, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager, RandomWalk } from '@libp2p/interface-internal'

const MINUTE = 60_000

// below the 12 per minute that servers allow (go-libp2p)
const MAX_REQUESTS_PER_MINUTE = 10
const MIN_FAILURE_WAIT = 5_000
const REFRESH_TIMEOUT = 5_000

// more than there are connections in most nodes
const MAX_LIARS = 1_024

// where connections break before the gateway tells of another address, no server is left
const MAX_FORMER = 8

/**
 * A connected peer that verifies addresses for others
 */
export interface Server {
  peer: PeerId
  id: string

  /**
   * The one to ask over. Others may be the server's own dials, which it closes
   * again, or dead without knowing.
   */
  connection: Connection

  /**
   * The network it votes for
   */
  group: string
  hasIPv6: boolean

  /**
   * When it was asked, in ms
   */
  requests: number[]

  /**
   * Not to be asked before then, in ms
   */
  restsUntil: number
  failures: number

  /**
   * A request is running
   */
  isBusy: boolean

  /**
   * A new connection is being made
   */
  isRefreshing: boolean
}

/**
 * What {@link ServerPool} needs
 */
export interface ServerPoolInit {
  components: {
    connectionManager: Pick<ConnectionManager, 'getConnections' | 'openConnection'>
    peerStore: Pick<PeerStore, 'get'>
  }
  clock: Clock
  random: Random
  throttle: number

  /**
   * There is somebody to ask
   */
  onAvailable(): void
}

/**
 * The servers that can be asked
 */
export class ServerPool {
  readonly #init: ServerPoolInit
  readonly #servers = new Map<string, Server>()

  // those that left, the latest last
  #former = new RecentMap<string, PeerId>(MAX_FORMER)

  // who is not asked again: peers, and the hosts they came from
  readonly #liars = new RecentMap<string, true>(MAX_LIARS)

  constructor (init: ServerPoolInit) {
    this.#init = init
  }

  get size (): number {
    return this.#servers.size
  }

  async add (connection: Connection): Promise<void> {
    const id = connection.remotePeer.toString()
    const ip = remoteIp(connection.remoteAddr)
    const known = this.#servers.get(id)

    if (ip == null || connection.limits != null || this.#liars.has(id) || this.#liars.has(hostRange(ip))) {
      return
    }

    if (known != null) {
      known.connection = known.connection.status === 'open' ? known.connection : connection
      return
    }

    const server: Server = {
      peer: connection.remotePeer,
      id,
      connection,
      group: isPublicIp(ip.text) ? ipGroup(ip) : id,
      hasIPv6: ip.family === 6,
      requests: [],
      restsUntil: 0,
      failures: 0,
      isBusy: false,
      isRefreshing: false
    }
    this.#servers.set(id, server)

    try {
      const { addresses } = await this.#init.components.peerStore.get(connection.remotePeer)
      server.hasIPv6 ||= addresses.some(({ multiaddr }) => remoteIp(multiaddr)?.family === 6)
    } catch {
      // nothing is known about it but this connection
    }

    this.#init.onAvailable()
  }

  remove (peer: PeerId): void {
    const id = peer.toString()

    if (this.#servers.delete(id)) {
      this.#former.set(id, peer)
    }
  }

  /**
   * Do not ask a server again, whatever name it takes next
   */
  distrust (server: Server): void {
    const ip = remoteIp(server.connection.remoteAddr)
    this.#liars.set(server.id, true)

    // in a private network an address may be that of a proxy before all of them
    if (ip != null && isPublicIp(ip.text)) {
      const host = hostRange(ip)
      this.#liars.set(host, true)
      this.#servers.forEach(({ id, connection }) => {
        const other = remoteIp(connection.remoteAddr)

        if (other != null && hostRange(other) === host) {
          this.#servers.delete(id)
        }
      })
    }

    this.#servers.delete(server.id)
  }

  clear (): void {
    this.#servers.clear()
    this.#former = new RecentMap(MAX_FORMER)
  }

  /**
   * Whether a server is only not asked because it is being asked already
   */
  get isBusy (): boolean {
    return [...this.#servers.values()].some(server => server.isBusy || server.isRefreshing)
  }

  /**
   * The servers that may be asked now: one of each network, so that nobody has more
   * chances for having more servers, and in random order, so that nobody knows to be
   * the first one
   */
  available (family: 4 | 6, isSkipped: (id: string) => boolean = () => false): Server[] {
    const now = this.#init.clock.now()
    const servers = [...this.#servers.values()].filter(server => {
      return now >= server.restsUntil && !server.isRefreshing && !server.isBusy && (family === 4 || server.hasIPv6) && !isSkipped(server.id) &&
        server.requests.filter(at => at > now - MINUTE).length < MAX_REQUESTS_PER_MINUTE
    })

    return this.#shuffle([...new Map(this.#shuffle(servers).map(server => [server.group, server])).values()])
  }

  /**
   * When one of those that rest may be asked again, in ms
   */
  get wakeAt (): number {
    const now = this.#init.clock.now()

    return Math.min(...[...this.#servers.values()].flatMap(({ restsUntil, requests }) => [
      restsUntil > now ? restsUntil : Infinity,
      requests.length >= MAX_REQUESTS_PER_MINUTE ? requests[0] + MINUTE : Infinity
    ]))
  }

  /**
   * The connection to ask a server over
   */
  connectionTo (server: Server): Connection | undefined {
    if (server.connection.status !== 'open') {
      server.connection = this.#init.components.connectionManager.getConnections(server.peer)
        .find(({ status, limits, remoteAddr }) => status === 'open' && limits == null && remoteIp(remoteAddr) != null) ?? server.connection
    }

    return server.connection.status === 'open' ? server.connection : undefined
  }

  /**
   * The server is asked
   */
  ask (server: Server): void {
    const now = this.#init.clock.now()
    server.isBusy = true
    server.requests = [...server.requests.filter(at => at > now - MINUTE), now]
  }

  /**
   * How that went
   */
  answered (server: Server, how: 'well' | 'rejected' | 'failed'): void {
    const { clock, throttle } = this.#init
    server.isBusy = false
    server.failures = how === 'failed' ? server.failures + 1 : 0

    if (how === 'rejected') {
      server.restsUntil = clock.now() + throttle
    } else if (how === 'failed') {
      server.restsUntil = clock.now() + backOff(server.failures, { min: Math.min(MIN_FAILURE_WAIT, throttle), max: throttle })
    }
  }

  /**
   * The network changed: connections may be dead and look open. Make new ones to
   * `count` servers before they are asked again. If there are fewer, to those that left.
   */
  refresh (count: number, signal: AbortSignal): void {
    for (const server of [...this.#servers.values()].slice(0, count)) {
      if (!server.isRefreshing) {
        server.isRefreshing = true
        void this.#redial(server, signal)
      }
    }

    const gone = [...this.#former].filter(([id]) => !this.#servers.has(id)).map(([, peer]) => peer)

    for (const peer of gone.reverse().slice(0, Math.max(0, count - this.#servers.size))) {
      // identify tells that it is a server, as it did before
      this.#dial(peer, {}, signal).catch(() => {})
    }

    for (const server of this.#servers.values()) {
      server.restsUntil = 0
      server.failures = 0
    }
  }

  #shuffle<T> (items: T[]): T[] {
    return items
      .map(item => ({ item, at: this.#init.random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item)
  }

  async #redial (server: Server, signal: AbortSignal): Promise<void> {
    try {
      server.connection = await this.#dial(server.peer, { force: true }, signal)
    } catch {
      // the connections there are have to do
    } finally {
      server.isRefreshing = false

      if (!signal.aborted) {
        this.#init.onAvailable()
      }
    }
  }

  async #dial (peer: PeerId, options: { force?: boolean }, signal: AbortSignal): Promise<Connection> {
    const abort = new AbortController()
    const onAbort = (): void => { abort.abort() }
    const timer = this.#init.clock.setTimeout(onAbort, REFRESH_TIMEOUT)
    signal.addEventListener('abort', onAbort)

    try {
      return await this.#init.components.connectionManager.openConnection(peer, { ...options, signal: abort.signal })
    } finally {
      timer.clear()
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * Who knows random peers, and who dials them
 */
export interface MeetPeersComponents {
  randomWalk: Pick<RandomWalk, 'walk'>
  connectionManager: Pick<ConnectionManager, 'openConnection'>
}

const MAX_PEERS = 5

/**
 * Dial random peers, a few at most, until there are enough servers. identify
 * tells later whether they are some.
 */
export async function meetPeers (components: MeetPeersComponents, isEnough: () => boolean, signal: AbortSignal): Promise<void> {
  let met = 0

  for await (const { multiaddrs } of components.randomWalk.walk({ signal })) {
    // relays and private addresses lead to no server
    if (multiaddrs.some(ma => isPublicIp(socketAddressOf(ma)?.host))) {
      await components.connectionManager.openConnection(multiaddrs, { signal }).catch(() => {})
      met++
    }

    if (met >= MAX_PEERS || isEnough() || signal.aborted) {
      return
    }
  }
}
