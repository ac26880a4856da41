/**
 * How nodes behave, in ms
 */
export interface Traffic {
  /**
   * Honest nodes connect to the node this often, all together
   */
  readonly honestInterval: number

  /**
   * Honest nodes keep a connection for this long on average
   */
  readonly honestStay: number

  /**
   * Honest nodes are online, and offline, for this long on average
   */
  readonly honestSession: number

  /**
   * The attacker connects to the node this often, from one of his addresses after
   * the other
   */
  readonly attackInterval: number

  /**
   * The share of his connections of which the attacker never finishes the handshake
   */
  readonly slowHandshakes: number

  /**
   * A peer that is useful does something for the application this often
   */
  readonly useInterval: number
}
