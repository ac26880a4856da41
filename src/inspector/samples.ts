/**
 * How many connections there were at a moment
 */
export interface Sample {
  /**
   * In ms since the epoch
   */
  readonly time: number
  readonly connections: number
}

/**
 * Half an hour at the default interval
 */
const MAX_SAMPLES = 1_800

/**
 * The last samples, oldest first
 */
export class Samples {
  readonly #max: number
  #samples: Sample[] = []

  constructor (max = MAX_SAMPLES) {
    this.#max = max
  }

  add (sample: Sample): void {
    this.#samples.push(sample)

    // moving all of them each time would be wasted
    if (this.#samples.length >= this.#max * 2) {
      this.#samples = this.list()
    }
  }

  list (): Sample[] {
    return this.#samples.slice(-this.#max)
  }
}
