import { chooseChurned } from './choose-churned.ts'
import type { ChurnCandidate } from './choose-churned.ts'
import type { ChurnInit } from './churn-options.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Random } from '../random.ts'

export interface ChurnComponents <T extends ChurnCandidate> {
  clock: Clock
  random: Random

  /**
   * The peers that there are connections to, if one may go: the target is reached, and
   * nothing is paused
   */
  peers(): T[]

  /**
   * Close the connections to a peer
   */
  drop(peer: T): void
}

/**
 * Closes a connection now and then, so that the same peers do not surround the node
 * for ever
 */
export class Churn<T extends ChurnCandidate> {
  readonly #components: ChurnComponents<T>
  readonly #init: Required<ChurnInit>
  #timer?: Timer

  constructor (components: ChurnComponents<T>, init: Required<ChurnInit>) {
    this.#components = components
    this.#init = init
  }

  start (): void {
    const { clock, drop, peers, random } = this.#components
    const [min, max] = this.#init.interval

    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined
      this.start()
      chooseChurned(peers(), this.#init, random).forEach(peer => { drop(peer) })
    }, min + (max - min) * random.next())
  }

  stop (): void {
    this.#timer?.clear()
    this.#timer = undefined
  }
}
