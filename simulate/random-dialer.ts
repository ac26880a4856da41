import type { Link } from './link.ts'
import type { PolicyInit, PolicyWorld } from './policy.ts'
import type { SimulatedNode } from './simulated-node.ts'

/**
 * In ms: how often it is looked whether connections are missing
 */
const INTERVAL = 1_000

export interface RandomDialerHooks {
  /**
   * How many outbound connections are open
   */
  count(): number
  isConnected(node: SimulatedNode): boolean
  onOpened(link: Link): void
}

/**
 * Keeps a number of outbound connections to nodes that are drawn from the address
 * book. Neither libp2p nor go-libp2p dials by itself: this stands for the protocols
 * above them, such as a DHT that looks for random ids.
 */
export class RandomDialer {
  private readonly world: PolicyWorld
  private readonly init: PolicyInit
  private readonly hooks: RandomDialerHooks
  private readonly dialling = new Set<SimulatedNode>()

  constructor (world: PolicyWorld, init: PolicyInit, hooks: RandomDialerHooks) {
    this.world = world
    this.init = init
    this.hooks = hooks
  }

  start (): void {
    this.world.clock.schedule(INTERVAL, () => {
      this.topUp()
      this.start()
    })
  }

  private topUp (): void {
    const { dialling, hooks, init, world } = this

    while (hooks.count() + dialling.size < init.outbound) {
      const node = world.addressBook[init.random.below(world.addressBook.length)]

      if (dialling.has(node) || hooks.isConnected(node)) {
        continue
      }

      dialling.add(node)
      world.dial(node, link => {
        dialling.delete(node)

        if (link != null) {
          hooks.onOpened(link)
        }
      })
    }
  }
}
