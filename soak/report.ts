import { markdownTable } from '../bench/evidence.ts'
import { MIN_JUDGED, WARM_UP, afterWarmUp, slope } from './heap.ts'
import type { SoakOptions } from './options.ts'
import type { SoakFigures, Violation } from './soak.ts'

/**
 * In bytes. Whatever is forgotten for each connection takes more than this: an entry of
 * a map with a number in it takes about as much, a peer id as text twice as much, and a
 * connection a hundred times.
 */
export const MAX_GROWTH = 64

const NOT_JUDGED = `which is not judged, as the first ${WARM_UP} connections and ${MIN_JUDGED / 60_000} minutes more are needed`

export interface SoakReport {
  readonly seed: number
  readonly minutes: number
  readonly steps: number
  readonly actions: number
  readonly refused: number
  readonly opened: number
  readonly restarts: number
  readonly recounts: number

  /**
   * In ms
   */
  readonly longestStop: number
  readonly longestSettle: number

  /**
   * How often yamux threw where nobody can catch it, which is no fault of this manager
   */
  readonly errorsOfYamux: number

  /**
   * What is open of the process in the end, beyond what is open of one that ran the
   * same nodes with libp2p's own connection manager
   */
  readonly left: readonly string[]
  readonly heap?: {
    /**
     * In bytes for every connection that was opened, and half of the 95 % interval
     */
    readonly growth: number
    readonly confidence: number

    /**
     * In KB for every minute
     */
    readonly perMinute: number
    readonly first: number
    readonly last: number
    readonly samples: number

    /**
     * Whether the run was long enough for the growth to tell of a leak
     */
    readonly isJudged: boolean
  }
  readonly violation?: Violation
}

export function makeReport (figures: SoakFigures, { minutes, seed }: SoakOptions, left: string[]): SoakReport {
  const { samples, violation, ...counts } = figures
  const { settled, isJudged } = afterWarmUp(samples)
  const growth = slope(settled, ({ opened }) => opened)
  const perMinute = slope(settled, ({ at }) => at / 60_000)
  const heap = growth == null || perMinute == null
    ? undefined
    : {
        growth: round(growth.perUnit),
        confidence: round(growth.confidence),
        perMinute: round(perMinute.perUnit / 1024),
        first: round(settled[0].bytes / 2 ** 20),
        last: round((settled.at(-1)?.bytes ?? 0) / 2 ** 20),
        samples: settled.length,
        isJudged
      }

  return { seed, minutes, ...counts, longestStop: round(counts.longestStop), longestSettle: round(counts.longestSettle), left, heap, violation: violation ?? violationOf(figures, heap, left) }
}

/**
 * The heap grows, or something is left in the end
 */
function violationOf ({ steps: step }: SoakFigures, heap: SoakReport['heap'], left: string[]): Violation | undefined {
  if (left.length > 0) {
    return { step, what: left, actions: [] }
  }

  // what may as well be chance is no leak
  if (heap?.isJudged === true && heap.growth - heap.confidence > MAX_GROWTH) {
    return { step, what: [`the heap grows by ${heap.growth} ± ${heap.confidence} bytes with every connection, at most ${MAX_GROWTH} are allowed`], actions: [] }
  }
}

/**
 * The report for people
 */
export function text (report: SoakReport): string {
  const { heap, violation } = report

  return [
    `${report.minutes} minutes, seed ${report.seed}: ${report.steps} steps with ${report.actions} actions, of which ${report.refused} were refused or failed`,
    `${report.opened} connections were opened, the node was stopped and started ${report.restarts} times, everything was counted again ${report.recounts} times`,
    `it took ${report.longestStop} ms at most to stop, and ${report.longestSettle} ms until every count was right`,
    ...report.errorsOfYamux === 0 ? [] : [`${report.errorsOfYamux} errors of yamux that nobody could catch were passed over`],
    heap == null
      ? 'too short to tell whether the heap grows'
      : `heap: ${heap.growth} ± ${heap.confidence} bytes for every connection, ${heap.perMinute} KB per minute, from ${heap.first} to ${heap.last} MB in ${heap.samples} samples${heap.isJudged ? '' : `, ${NOT_JUDGED}`}`,
    '',
    ...violation == null
      ? ['✔ every count was right, nothing was left after any stop, no error was lost']
      : [`✘ step ${violation.step} of seed ${report.seed}:`, ...violation.what.map(what => `  ${what}`), ...violation.actions.length > 0 ? ['', '  what was done before and in this step:', ...violation.actions.map(action => `    ${action}`)] : []]
  ].join('\n')
}

/**
 * The report for the page of evidence
 */
export function markdown (report: SoakReport): string {
  const { heap, violation } = report

  return `${markdownTable(['', ''], [
    ['steps', `${report.steps} with ${report.actions} actions, up to 8 at the same time`],
    ['connections opened', `${report.opened}`],
    ['stops and starts of the node', `${report.restarts}`],
    ['recounts', `${report.recounts}`],
    ['heap', heap == null ? 'too short to tell' : `${heap.growth} ± ${heap.confidence} bytes for every connection (95 %), ${heap.perMinute} KB per minute, at ${heap.last} MB${heap.isJudged ? '' : `, ${NOT_JUDGED}`}`],
    ['what was wrong', violation == null ? 'nothing' : violation.what.join('; ')]
  ])}

One node with this connection manager and 24 others over TCP and in memory, with dials, bans, trims, tags, protection, realms,
limits that change, streams, handshakes that are broken off, and restarts, chosen by seed ${report.seed}. After every step the table of connections, the
resource manager's scopes, the metrics and the dial queue are compared with what is open, also at the other ends; after every stop, the listeners and timers with those before the
first start. The heap is what objects take after a full collection, without code, while the node is stopped and
all timeouts have run out. The line goes through what was seen after the first ${WARM_UP} connections.`
}

function round (value: number): number {
  return Number(value.toPrecision(3))
}
