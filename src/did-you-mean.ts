/**
 * Longer names are not compared, as that takes time in proportion to their length
 */
const MAX_LENGTH = 64

/**
 * In letters: the shorter of two names, one of which begins with the other, has to have
 * as many
 */
const MIN_PREFIX = 4

/**
 * So many letters may be missing, wrong or too many, in relation to the longer name
 */
const MAX_DIFFERENCE = 0.34

/**
 * Options that other connection managers have, and what is meant by them here
 */
const OTHER_NAMES: Readonly<Record<string, string>> = { minConnections: 'lowWater', minPeers: 'lowWater', maxPeers: 'highWater', autoDial: 'outbound' }

/**
 * Which of the names that there are may have been meant, for an error message: ` (did
 * you mean "highWater"?)`. Empty if none is like the one that was written.
 */
export function didYouMean (written: string, names: Iterable<string>): string {
  const name = closest(written, names)

  return name == null ? '' : ` (did you mean "${name}"?)`
}

/**
 * The name that is most like the one that was written, `undefined` if none is
 */
export function closest (written: string, known: Iterable<string>): string | undefined {
  if (written.length > MAX_LENGTH) {
    return
  }

  const names = [...known]
  const other = Object.hasOwn(OTHER_NAMES, written) ? OTHER_NAMES[written] : undefined

  if (other != null && names.includes(other)) {
    return other
  }

  let best: { name: string, difference: number } | undefined

  for (const name of names) {
    const difference = compare(plain(written), plain(name))

    if (difference <= MAX_DIFFERENCE && difference < (best?.difference ?? Infinity)) {
      best = { name, difference }
    }
  }

  return best?.name
}

/**
 * As letters and digits only: `high_water` is `highWater`
 */
function plain (name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/**
 * 0 for the same, 1 for names that have nothing in common
 */
function compare (a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  const difference = editDistance(a, b) / Math.max(1, long.length)

  // `highWatermark` is `highWater`, `conns` is `connections`
  const isContained = short.length >= MIN_PREFIX && (long.startsWith(short) || (long.startsWith(short.slice(0, MIN_PREFIX)) && isSubsequence(short, long)))

  return isContained ? Math.min(difference, MAX_DIFFERENCE * (1 - short.length / (long.length + 1))) : difference
}

function isSubsequence (short: string, long: string): boolean {
  let found = 0

  for (const letter of long) {
    if (letter === short[found]) {
      found++
    }
  }

  return found === short.length
}

/**
 * How many letters have to be inserted, left out or replaced (Levenshtein)
 */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)

  for (let i = 1; i <= a.length; i++) {
    const next = [i]

    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }

    row = next
  }

  return row[b.length]
}
