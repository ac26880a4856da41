import type { WatermarkCrossing } from './events.ts'

/**
 * Notices when the number of open connections comes to be above a watermark, or is no
 * longer
 */
export class WatermarkCrossings {
  readonly #levels: () => { lowWater: number, highWater: number }
  readonly #onCross: (crossing: WatermarkCrossing) => void
  #above = { low: false, high: false }

  constructor (levels: () => { lowWater: number, highWater: number }, onCross: (crossing: WatermarkCrossing) => void) {
    this.#levels = levels
    this.#onCross = onCross
  }

  /**
   * To be called when the number of open connections has changed
   */
  update (connections: number): void {
    const { lowWater, highWater } = this.#levels()
    this.#check('low', connections, lowWater)
    this.#check('high', connections, highWater)
  }

  #check (watermark: 'low' | 'high', connections: number, level: number): void {
    const isAbove = connections > level

    if (isAbove !== this.#above[watermark]) {
      this.#above[watermark] = isAbove
      this.#onCross({ watermark, direction: isAbove ? 'up' : 'down', level, connections })
    }
  }
}
