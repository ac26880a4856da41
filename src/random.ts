/**
 * Where randomness comes from. Injected, so that tests and simulations can be
 * repeated.
 */
export interface Random {
  /**
   * A number from 0 (inclusive) to 1 (exclusive)
   */
  next(): number
}

/**
 * The randomness of the JavaScript engine
 */
export const systemRandom: Random = {
  next: () => Math.random()
}
