import { ModelledPolicy } from './modelled-policy.ts'
import type { Link } from '../link.ts'
import type { SimulatedNode } from '../simulated-node.ts'

/**
 * The defaults of go-libp2p, besides the watermarks. The limits are those of a
 * machine with 32 GiB, where the resource manager has 4 GiB to spend.
 */
const GRACE_PERIOD = 60_000
const SILENCE_PERIOD = 10_000
const SYSTEM_INBOUND = 320
const TRANSIENT_INBOUND = 96
const PER_HOST = 8
const RATE_INTERVAL = 5_000
const RATE_BURST = 16
const HANDSHAKE_TIMEOUT = 15_000

/**
 * What go-libp2p knows of a peer while it is connected
 */
interface PeerRecord {
  readonly firstSeen: number
  value: number
}

/**
 * The connection manager and the resource manager of go-libp2p. Inbound connections
 * are refused by the latter alone: per host by number and rate, and in total. Every
 * 10 s the former looks whether the high watermark is reached, and closes the least
 * valuable of those that are older than a minute.
 */
export class GoLibp2pPolicy extends ModelledPolicy {
  readonly name = 'go-libp2p'
  readonly handshakeTimeout = HANDSHAKE_TIMEOUT
  private pending = 0
  private readonly hosts = new Map<number, number>()

  /**
   * When the bucket of a host is full
   */
  private readonly buckets = new Map<number, number>()
  private readonly peers = new Map<SimulatedNode, PeerRecord>()

  override async start (): Promise<void> {
    await super.start()
    this.tick()
  }

  accept ({ node }: Link): boolean {
    const isRefused = !this.takeToken(node.host) ||
      this.fromHost(node) >= PER_HOST ||
      this.pending >= TRANSIENT_INBOUND ||
      this.pending + this.open.inbound >= SYSTEM_INBOUND

    if (isRefused) {
      return false
    }

    this.pending++
    this.count(node, 1)

    return true
  }

  override opened (link: Link): boolean {
    this.pending--

    return super.opened(link)
  }

  override failed ({ node }: Link): void {
    this.pending--
    this.count(node, -1)
  }

  override closed (link: Link): void {
    super.closed(link)
    this.forget(link)
  }

  override used (link: Link, isFirst: boolean): void {
    super.used(link, isFirst)
    const peer = this.peers.get(link.node)

    if (peer != null) {
      peer.value = link.node.value
    }
  }

  protected onOpen ({ direction, node }: Link): void {
    if (!this.peers.has(node)) {
      this.peers.set(node, { firstSeen: this.world.clock.now(), value: 0 })
    }

    if (direction === 'outbound') {
      this.count(node, 1)
    }
  }

  private tick (): void {
    this.world.clock.schedule(SILENCE_PERIOD, () => {
      if (this.open.size >= this.init.maxConnections) {
        this.trim()
      }

      this.tick()
    })
  }

  private trim (): void {
    const { init, open, peers, world } = this
    const settled = world.clock.now() - GRACE_PERIOD
    const candidates = [...peers]
      .filter(([, { firstSeen }]) => firstSeen <= settled)
      // Go's map has no order, and its sort is not stable
      .map(([node, { value }]) => ({ value, links: open.byNode.get(node) ?? [], chance: init.random.next() }))
      .map(candidate => ({ ...candidate, streams: candidate.links.reduce((sum, { streams }) => sum + streams, 0), hasInbound: candidate.links.some(({ direction }) => direction === 'inbound') }))
    let target = candidates.reduce((sum, { links }) => sum + links.length, 0) - init.lowWater

    candidates.sort((a, b) => a.value - b.value ||
      Number(a.streams > 0) - Number(b.streams > 0) ||
      Number(b.hasInbound) - Number(a.hasInbound) ||
      a.streams - b.streams ||
      a.chance - b.chance)

    for (const { links } of candidates) {
      if (target <= 0) {
        break
      }

      target -= links.length

      for (const link of links) {
        open.close(link)
        this.forget(link)
      }
    }
  }

  private forget ({ node }: Link): void {
    this.count(node, -1)

    if (!this.open.byNode.has(node)) {
      this.peers.delete(node)
    }
  }

  private fromHost ({ host }: SimulatedNode): number {
    return this.hosts.get(host) ?? 0
  }

  private count (node: SimulatedNode, change: number): void {
    const count = this.fromHost(node) + change

    if (count === 0) {
      this.hosts.delete(node.host)
    } else {
      this.hosts.set(node.host, count)
    }
  }

  /**
   * 16 at once, then one in 5 s
   */
  private takeToken (host: number): boolean {
    const now = this.world.clock.now()
    const fullAt = Math.max(now, this.buckets.get(host) ?? now) + RATE_INTERVAL

    if (fullAt - now > RATE_BURST * RATE_INTERVAL) {
      return false
    }

    this.buckets.set(host, fullAt)

    return true
  }
}
