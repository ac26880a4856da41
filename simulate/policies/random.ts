import { ModelledPolicy } from './modelled-policy.ts'
import type { Link } from '../link.ts'

/**
 * In ms: as long as libp2p has
 */
const HANDSHAKE_TIMEOUT = 10_000

/**
 * Accepts everybody, and closes any connection when there are too many: the measure
 * for whether a policy is better than none
 */
export class RandomPolicy extends ModelledPolicy {
  readonly name = 'random'
  readonly handshakeTimeout = HANDSHAKE_TIMEOUT

  /**
   * The open connections, as one of them has to be drawn
   */
  private readonly list: Link[] = []
  private readonly places = new Map<Link, number>()

  accept (): boolean {
    return true
  }

  override closed (link: Link): void {
    super.closed(link)
    this.removeFromList(link)
  }

  protected onOpen (link: Link): void {
    const { init, list, open, places } = this
    places.set(link, list.length)
    list.push(link)

    while (open.size > init.maxConnections) {
      const victim = list[init.random.below(list.length)]
      this.removeFromList(victim)
      open.close(victim)
    }
  }

  private removeFromList (link: Link): void {
    const place = this.places.get(link)
    const last = this.list.pop()

    if (place == null || last == null) {
      return
    }

    this.places.delete(link)

    if (last !== link) {
      this.list[place] = last
      this.places.set(last, place)
    }
  }
}
