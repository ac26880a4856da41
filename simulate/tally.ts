import type { Link } from './link.ts'

/**
 * How many connections are open, and to whom
 */
export interface Counts {
  honestInbound: number
  honestOutbound: number
  attackerInbound: number
  attackerOutbound: number
}

/**
 * Counts what happens
 */
export class Tally {
  readonly counts: Counts = { honestInbound: 0, honestOutbound: 0, attackerInbound: 0, attackerOutbound: 0 }

  /**
   * The most connections that were open at the same time
   */
  peak = 0

  /**
   * How often honest nodes have connected, and were let in once their handshake was over
   */
  honestKnocks = 0
  honestAccepted = 0
  attackerKnocks = 0
  attackerAccepted = 0

  /**
   * When no connection to an honest node was left for the first time since `watch`
   */
  isolatedAt: number | undefined
  private isWatched = false
  private size = 0

  /**
   * Count from now on, and look out for isolation
   */
  watch (): void {
    this.isWatched = true
    this.peak = this.size
    this.honestKnocks = 0
    this.honestAccepted = 0
  }

  knocked ({ node }: Link): void {
    if (node.isHonest) {
      this.honestKnocks++
    } else {
      this.attackerKnocks++
    }
  }

  letIn ({ node }: Link): void {
    if (node.isHonest) {
      this.honestAccepted++
    } else {
      this.attackerAccepted++
    }
  }

  add (link: Link, now: number): void {
    this.change(link, 1, now)
    this.peak = Math.max(this.peak, this.size)
  }

  remove (link: Link, now: number): void {
    this.change(link, -1, now)
  }

  private change ({ direction, node }: Link, by: number, now: number): void {
    const { counts } = this
    this.size += by

    if (node.isHonest) {
      counts[direction === 'inbound' ? 'honestInbound' : 'honestOutbound'] += by
    } else {
      counts[direction === 'inbound' ? 'attackerInbound' : 'attackerOutbound'] += by
    }

    if (this.isWatched && counts.honestInbound + counts.honestOutbound === 0) {
      this.isolatedAt ??= now
    }
  }
}
