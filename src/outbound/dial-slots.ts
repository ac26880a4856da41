/**
 * What {@link freeDialSlots} looks at
 */
export interface DialSlotsInput {
  /**
   * How many outbound connections there should be
   */
  readonly target: number

  /**
   * How many there are
   */
  readonly connected: number

  /**
   * How many automatic dials are running
   */
  readonly dialling: number

  /**
   * How many may run at the same time
   */
  readonly maxDialling: number
}

/**
 * How many more automatic dials may be started: twice as many as connections are
 * missing, as about half of them fail (Geth). Never less than 0: when the target
 * was lowered, what runs is left alone.
 */
export function freeDialSlots ({ target, connected, dialling, maxDialling }: DialSlotsInput): number {
  const missing = Math.max(0, target - connected)

  return Math.max(0, Math.min(missing * 2, maxDialling) - dialling)
}

/**
 * How many outbound connections there should be
 *
 * @param target - the number that was asked for
 * @param ratio - the part of all connections that was asked for, e.g. 0.1
 * @param connections - how many connections are open
 */
export function outboundTarget (target: number, ratio: number, connections: number): number {
  return Math.max(target, Math.ceil(ratio * connections))
}

/**
 * Does a failed dial count against the peer that was dialled? While nearly nobody
 * is connected, the fault is more likely that of our own network (Bitcoin Core:
 * fewer than two groups, or one less than there should be connections).
 *
 * @param groups - to how many groups of addresses there are connections
 * @param target - how many outbound connections there should be
 */
export function isPeerToBlame (groups: number, target: number): boolean {
  return groups >= Math.min(target - 1, 2)
}
