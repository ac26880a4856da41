/**
 * When a gateway told its epoch
 */
export interface EpochReading {
  /**
   * Seconds since the gateway started to keep its mappings
   */
  epoch: number

  /**
   * When it was told, in ms
   */
  at: number
}

/**
 * Whether a gateway lost its mappings between two readings: its clock went
 * back, or advanced too little or too much (RFC 6887 section 8.5, RFC 6886
 * section 3.6)
 */
export function epochWasReset (previous: EpochReading | undefined, current: EpochReading): boolean {
  if (previous == null) {
    return false
  }

  // replies may overtake each other by a second
  if (current.epoch < previous.epoch - 1) {
    return true
  }

  const ours = (current.at - previous.at) / 1_000
  const theirs = current.epoch - previous.epoch

  return ours + 2 < theirs - theirs / 16 || theirs + 2 < ours - ours / 16
}
