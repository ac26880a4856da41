import { RandomDialer } from '../random-dialer.ts'
import type { Link } from '../link.ts'
import type { PolicyInit, PolicyWorld } from '../policy.ts'
import type { SimulatedNode } from '../simulated-node.ts'

/**
 * The open connections of a policy that is modelled
 */
export class OpenLinks {
  readonly links = new Set<Link>()
  readonly byNode = new Map<SimulatedNode, Link[]>()
  private readonly world: PolicyWorld
  private outboundCount = 0
  private readonly dialer: RandomDialer

  /**
   * `onOpened` is called for outbound connections
   */
  constructor (world: PolicyWorld, init: PolicyInit, onOpened: (link: Link) => void) {
    this.world = world
    this.dialer = new RandomDialer(world, init, {
      count: () => this.outboundCount,
      isConnected: node => this.byNode.has(node),
      onOpened: link => {
        this.add(link)
        onOpened(link)
      }
    })
  }

  get size (): number {
    return this.links.size
  }

  get inbound (): number {
    return this.links.size - this.outboundCount
  }

  start (): void {
    this.dialer.start()
  }

  add (link: Link): void {
    this.links.add(link)
    const others = this.byNode.get(link.node)

    if (others == null) {
      this.byNode.set(link.node, [link])
    } else {
      others.push(link)
    }

    if (link.direction === 'outbound') {
      this.outboundCount++
    }
  }

  /**
   * The policy closes a connection
   */
  close (link: Link): void {
    if (this.remove(link)) {
      this.world.close(link)
    }
  }

  /**
   * Forget a connection that is closed. Returns `false` if it was not known.
   */
  remove (link: Link): boolean {
    if (!this.links.delete(link)) {
      return false
    }

    const left = this.byNode.get(link.node)?.filter(other => other !== link) ?? []

    if (left.length === 0) {
      this.byNode.delete(link.node)
    } else {
      this.byNode.set(link.node, left)
    }

    if (link.direction === 'outbound') {
      this.outboundCount--
    }

    return true
  }
}
