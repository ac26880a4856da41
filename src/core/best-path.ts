/**
 * What the choice of a path looks at: one open connection to a peer
 */
export interface Path {
  /**
   * Is the connection limited in time or data, as most relayed ones are?
   */
  readonly limited: boolean

  /**
   * `false` if it goes through a relay
   */
  readonly direct: boolean

  /**
   * The round trip time in ms, if it was measured
   */
  readonly rtt?: number

  /**
   * How many application streams are open
   */
  readonly streams: number

  /**
   * When it was opened, in ms since the epoch
   */
  readonly openedAt: number

  /**
   * Decides when all else is equal
   */
  readonly id: string
}

/**
 * A path has to be faster by this many ms to be preferred for it (iroh)
 */
export const MIN_RTT_ADVANTAGE = 5

/**
 * … and take no more than this part of the other's time, i.e. be 20 % faster
 */
export const MAX_RTT_RATIO = 0.8

/**
 * The best of the paths: not limited, then direct, then faster by enough to matter,
 * then with more streams, then newer. The one that is in use keeps its place until
 * another one is of a better kind or clearly faster, so that streams do not jump
 * back and forth. The order of the paths does not matter.
 */
export function selectPath <T extends Path> (paths: readonly T[], current?: T): T | undefined {
  const inUse = current != null && paths.includes(current) ? current : undefined
  const candidates = inUse == null ? paths : paths.filter(path => replaces(path, inUse))

  return best(candidates) ?? inUse
}

/**
 * Being newer or having more streams is no reason to leave a path that is in use
 */
function replaces (path: Path, current: Path): boolean {
  const kinds = compareKinds(path, current)

  return kinds === 0 ? isFaster(path, current) : kinds < 0
}

function best <T extends Path> (paths: readonly T[]): T | undefined {
  const [first] = [...paths].sort(compareKinds)
  const sameKind = paths.filter(path => compareKinds(path, first) === 0)

  // what is not clearly slower than the fastest is as good as it. Whether one is
  // faster than another does not tell how they compare with a third, so all are
  // compared with the fastest only.
  const fastest = sameKind.reduce<T | undefined>((fastest, path) => (path.rtt ?? Infinity) < (fastest?.rtt ?? Infinity) ? path : fastest, undefined)
  const fast = fastest == null ? sameKind : sameKind.filter(path => !isFaster(fastest, path))

  return fast.sort((a, b) => b.streams - a.streams || b.openedAt - a.openedAt || (a.id > b.id ? -1 : 1))[0]
}

/**
 * Negative if `a` is of the better kind
 */
function compareKinds (a: Path, b: Path): number {
  return Number(a.limited) - Number(b.limited) || Number(b.direct) - Number(a.direct)
}

function isFaster (path: Path, other: Path): boolean {
  return path.rtt != null && other.rtt != null &&
    path.rtt <= other.rtt - MIN_RTT_ADVANTAGE &&
    path.rtt <= other.rtt * MAX_RTT_RATIO
}
