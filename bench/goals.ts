import { isReached } from './figures.ts'
import type { DialingResults, DialTimes } from './dialing.ts'
import type { Figure } from './figures.ts'

/**
 * What the two sides took at one number of open connections
 */
export interface Row {
  n: number
  ours_us: number

  /**
   * `null` where libp2p's own manager would take too long
   */
  libp2p_us: number | null
  ratio: number | null
}

/**
 * What choosing `count` of `n` connections took
 */
export interface Choice {
  n: number
  count: number
  choose_ms: number
  block_ms: number
}

/**
 * How many bytes each side keeps of one open connection, when `n` are open
 */
export interface MemoryPerConnection {
  n: number
  ours_bytes: number
  libp2p_bytes: number
}

export interface Results extends DialingResults {
  accept: Row[]
  open: Row[]
  trim: Row[]
  trimWithRegistrar: Row[]
  choose: Choice
  memory: MemoryPerConnection

  /**
   * What it costs to count connections and streams
   */
  resources: Figure[]

  /**
   * What it costs to decide about an inbound connection
   */
  gating: Figure[]
}

export interface Goal {
  goal: string
  reached: boolean
  measured: string
}

/**
 * What is to be reached, and whether it is
 */
export function goals (results: Results): Goal[] {
  const { choose, memory } = results

  return [
    atMost('accept', results.accept, 2),
    atLeast('accept', results.accept, 1_000, 1_000),
    atMost('open', results.open, 20),
    atLeast('open', results.open, 5_000, 500),
    atLeast('trim', results.trim, 5_000, 50),
    {
      goal: `choosing ${format(choose.count)} of ${format(choose.n)} takes at most 50 ms`,
      reached: choose.choose_ms <= 50,
      measured: `${choose.choose_ms.toFixed(1)} ms`
    },
    {
      goal: 'nothing else waits longer than 10 ms meanwhile',
      reached: choose.block_ms <= 10,
      measured: `${choose.block_ms.toFixed(1)} ms`
    },
    {
      goal: 'a tracked connection takes at most 1 024 bytes more than with libp2p\'s own manager',
      reached: memory.ours_bytes - memory.libp2p_bytes <= 1_024,
      measured: `${format(memory.ours_bytes - memory.libp2p_bytes)} bytes`
    },
    dialled('one dead address', results.dial.ours.oneDead_ms, 400),
    dialled('two dead addresses', results.dial.ours.twoDead_ms, 700),
    {
      goal: 'enqueuing a dial behind 500 others takes at most 10 µs',
      reached: results.enqueue.ours_us <= 10,
      measured: `${results.enqueue.ours_us.toFixed(2)} µs`
    },
    ...[...results.resources, ...results.gating].map(figure => ({
      goal: `${figure.name}: at most ${figure.target} ${figure.unit}`,
      reached: isReached(figure),
      measured: `${figure.measured} ${figure.unit}`
    }))
  ]
}

/**
 * A number with its thousands apart
 */
export function format (value: number, digits = 0): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function atMost (name: string, rows: Row[], limit: number): Goal {
  const slowest = Math.max(...rows.map(row => row.ours_us))

  return { goal: `${name} takes at most ${limit} µs at every n`, reached: slowest <= limit, measured: `${slowest.toFixed(2)} µs` }
}

function atLeast (name: string, rows: Row[], n: number, factor: number): Goal {
  const ratio = rows.find(row => row.n === n)?.ratio ?? 0

  return { goal: `${name} is at least ${format(factor)} times faster at ${format(n)}`, reached: ratio >= factor, measured: `${format(ratio)} times` }
}

function dialled (name: string, ms: DialTimes[keyof DialTimes], limit: number): Goal {
  return {
    goal: `a dial behind ${name} takes at most ${limit} ms`,
    reached: ms != null && ms <= limit,
    measured: ms == null ? 'it failed' : `${ms.toFixed(0)} ms`
  }
}
