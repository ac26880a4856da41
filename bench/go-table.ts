import { markdownTable } from './evidence.ts'
import type { Goal } from './goals.ts'

/**
 * What some work took on each side
 */
export interface Row {
  name: string
  go_us: number
  ours_us: number

  /**
   * How many times as long as go-libp2p's ours takes
   */
  ratio: number

  /**
   * What ours takes in a node, with all events that are sent to others. The other
   * side has no node.
   */
  inNode_us: number | null

  /**
   * The ratio that is to be reached
   */
  target: number
}

/**
 * What the other side is built with
 */
export interface Versions {
  go: string
  libp2p: string
  procs: number
}

const HEAD = ['', 'go-libp2p', 'ours', 'ratio', 'in a node (ratio)']

/**
 * Whether a row is as good as it is to be
 */
export function verdict ({ name, ratio, target }: Row): Goal {
  return {
    goal: `${name}: ${target === 1 ? 'not slower than go-libp2p' : `at most ${target} times as long as go-libp2p`}`,
    reached: ratio <= target,
    measured: `${ratio.toFixed(2)} times`
  }
}

function cells ({ name, go_us: go, ours_us: ours, ratio, inNode_us: inNode }: Row): string[] {
  return [name, time(go), time(ours), ratio.toFixed(2), inNode == null ? '-' : `${time(inNode)} (${(inNode / go).toFixed(2)})`]
}

/**
 * The results for people
 */
export function table (versions: Versions, rows: Row[], verdicts: Goal[]): string {
  const line = ([name, ...figures]: string[]): string => `${name.padEnd(68)}${figures.map(figure => figure.padStart(18)).join('')}`

  return [
    `go-libp2p ${versions.libp2p}, ${versions.go}, up to ${versions.procs} threads`,
    '',
    line(HEAD),
    ...rows.map(row => line(cells(row))),
    '',
    ...verdicts.map(mark)
  ].join('\n')
}

/**
 * The results for `docs/evidence.md`
 */
export function page (rows: Row[], verdicts: Goal[]): string {
  return [
    'The same steps on both sides, in turn: go-libp2p\'s `BasicConnMgr` and resource manager, and our connection',
    'table, tags, trimming and resource manager. A connection has no network behind it. When it is closed it tells',
    'its manager. A trim is choosing, closing, and hearing that all are closed. Nobody is protected or in a grace period,',
    'and neither side has metrics or limits by IP address.',
    '',
    '"In a node" is our whole manager with libp2p around it, which tells everybody of every connection. go-libp2p leaves',
    'that to its swarm, which is not measured: there is no goal for that column.',
    '',
    markdownTable(HEAD, rows.map(cells)),
    '',
    ...verdicts.map(verdict => `- ${mark(verdict)}`)
  ].join('\n')
}

function mark ({ goal, reached, measured }: Goal): string {
  return `${reached ? '✔' : '✘'} ${goal}: ${measured}`
}

function time (us: number): string {
  return us < 1_000 ? `${us.toFixed(2)} µs` : `${(us / 1_000).toFixed(1)} ms`
}
