import { ModelledPolicy } from './modelled-policy.ts'
import type { Link } from '../link.ts'
import type { SimulatedNode } from '../simulated-node.ts'

/**
 * The defaults of libp2p 3, besides `maxConnections`
 */
const MAX_PENDING = 10
const CONNECTIONS_PER_HOST = 5
const RATE_WINDOW = 1_000
const HANDSHAKE_TIMEOUT = 10_000

interface RateRecord {
  readonly endsAt: number
  count: number
}

/**
 * The connection manager of libp2p: it refuses inbound connections while 10 are being
 * upgraded, more than 5 per second from one host, and all when `maxConnections` are
 * open. If there are more all the same, the least valuable are closed, unless the
 * application uses them.
 */
export class Libp2pPolicy extends ModelledPolicy {
  readonly name = 'libp2p'
  readonly handshakeTimeout = HANDSHAKE_TIMEOUT
  private pending = 0
  private readonly rates = new Map<number, RateRecord>()

  /**
   * The sum of the tags in the peer store, which nobody takes back
   */
  private readonly values = new Map<SimulatedNode, number>()

  accept (link: Link): boolean {
    // a refusal below this line has used up a part of the rate
    if (this.pending === MAX_PENDING || !this.takeRate(link.node.host) || this.open.size >= this.init.maxConnections) {
      return false
    }

    this.pending++

    return true
  }

  override opened (link: Link): boolean {
    this.pending--

    return super.opened(link)
  }

  override failed (): void {
    this.pending--
  }

  override used (link: Link, isFirst: boolean): void {
    super.used(link, isFirst)
    this.values.set(link.node, link.node.value)
  }

  protected onOpen (): void {
    const { init, open } = this
    const excess = open.size - init.maxConnections

    if (excess <= 0) {
      return
    }

    const chosen = [...open.links].sort((a, b) => this.valueOf(a) - this.valueOf(b) || a.streams - b.streams || inboundFirst(a, b) || b.openedAt - a.openedAt).slice(0, excess)

    for (const link of chosen) {
      // one that is in use is counted as closed, and stays
      if (link.streams === 0) {
        open.close(link)
      }
    }
  }

  private valueOf ({ node }: Link): number {
    return this.values.get(node) ?? 0
  }

  private takeRate (host: number): boolean {
    const now = this.world.clock.now()
    let record = this.rates.get(host)

    if (record == null || record.endsAt <= now) {
      record = { endsAt: now + RATE_WINDOW, count: 0 }
      this.rates.set(host, record)
    }

    return ++record.count <= CONNECTIONS_PER_HOST
  }
}

function inboundFirst (a: Link, b: Link): number {
  return Number(a.direction === 'outbound') - Number(b.direction === 'outbound')
}
