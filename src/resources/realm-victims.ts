/**
 * A connection that may be closed to make room in its realm: not protected, not in
 * its grace period
 */
export interface RealmCandidate {
  /**
   * The realm that it counts in
   */
  readonly realm: string | undefined
}

/**
 * Which connections go when a realm is full, or its limit was lowered: the worst
 * `count` of that realm by `compare`, the worst first. Connections of other realms
 * never go for it. Fewer than `count` if the realm has no more candidates.
 *
 * @param candidates - what may be closed, of any realm
 * @param realm - the realm that is full
 * @param count - how many connections it is over its limit
 * @param compare - negative when `a` is to be closed before `b`
 */
export function chooseRealmVictims<T extends RealmCandidate> (candidates: Iterable<T>, realm: string, count: number, compare: (a: T, b: T) => number): T[] {
  const victims: T[] = []

  for (const candidate of candidates) {
    if (candidate.realm !== realm || count <= 0) {
      continue
    }

    const last = victims.at(-1)

    if (victims.length < count || (last != null && compare(candidate, last) < 0)) {
      victims.splice(position(victims, candidate, compare), 0, candidate)
      victims.length = Math.min(victims.length, count)
    }
  }

  return victims
}

/**
 * Where the candidate belongs in a sorted list, behind its equals
 */
function position<T> (sorted: readonly T[], candidate: T, compare: (a: T, b: T) => number): number {
  let low = 0
  let high = sorted.length

  while (low < high) {
    const middle = (low + high) >> 1

    if (compare(candidate, sorted[middle]) < 0) {
      high = middle
    } else {
      low = middle + 1
    }
  }

  return low
}
