/**
 * Collects what is counted differently in two places
 */
export class Counts {
  readonly differences: string[] = []

  add (difference: string): void {
    this.differences.push(difference)
  }

  compare (what: string, counted: number, there: number): void {
    if (counted !== there) {
      this.add(`${what}: counted ${counted}, there are ${there}`)
    }
  }

  /**
   * The same for each name
   */
  compareAll (what: string, counted: ReadonlyMap<string, number>, there: ReadonlyMap<string, number>): void {
    for (const name of new Set([...counted.keys(), ...there.keys()])) {
      this.compare(`${what}, ${name}`, counted.get(name) ?? 0, there.get(name) ?? 0)
    }
  }
}
