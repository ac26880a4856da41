/**
 * The least time that a dial gets under load, in ms: the retransmission of a
 * lost SYN takes one second, the second one two more
 */
export const MIN_ADAPTIVE_TIMEOUT = 3_000

/**
 * What {@link adaptiveTimeout} looks at
 */
export interface DialLoad {
  /**
   * The timeout of an unhurried dial, in ms
   */
  nominal: number

  /**
   * How many dials wait
   */
  pending: number

  /**
   * How many dials may run at the same time
   */
  parallel: number
}

/**
 * How long a dial may take, in ms. While fewer dials wait than may run, a dial
 * gets its nominal time; beyond that it gets less, so that a long queue of dead
 * peers is worked off in bearable time (the rule of the BitTorrent client
 * anacrolix/torrent). Never less than {@link MIN_ADAPTIVE_TIMEOUT}, unless the
 * nominal time itself is less.
 */
export function adaptiveTimeout ({ nominal, pending, parallel }: DialLoad): number {
  // not `(pending + parallel) / parallel`, as there may be no limit
  const rounds = 1 + Math.floor(pending / parallel)

  return Math.min(nominal, Math.max(MIN_ADAPTIVE_TIMEOUT, nominal / rounds))
}
