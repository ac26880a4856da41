import { OpenLinks } from './open-links.ts'
import type { Link } from '../link.ts'
import type { Policy, PolicyInit, PolicyName, PolicyWorld } from '../policy.ts'

/**
 * What the policies that are modelled here have in common
 */
export abstract class ModelledPolicy implements Policy {
  abstract readonly name: PolicyName
  abstract readonly handshakeTimeout: number
  protected readonly world: PolicyWorld
  protected readonly init: PolicyInit
  protected readonly open: OpenLinks

  constructor (world: PolicyWorld, init: PolicyInit) {
    this.world = world
    this.init = init
    this.open = new OpenLinks(world, init, link => { this.onOpen(link) })
  }

  async start (): Promise<void> {
    this.open.start()
  }

  abstract accept (link: Link): boolean

  opened (link: Link): boolean {
    this.open.add(link)
    this.onOpen(link)

    return true
  }

  failed (link: Link): void {}

  closed (link: Link): void {
    this.open.remove(link)
  }

  used (link: Link, isFirst: boolean): void {
    if (isFirst) {
      link.streams++
    }
  }

  violations (): string[] {
    return []
  }

  /**
   * A connection is open, in either direction
   */
  protected abstract onOpen (link: Link): void
}
