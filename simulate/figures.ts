import type { Outcome } from './pool.ts'
import type { RunResult } from './run.ts'

/**
 * What is drawn and printed of a run
 */
export interface FigureKind {
  readonly name: string
  readonly title: string

  /**
   * The largest value that there can be
   */
  readonly max: number

  /**
   * `null` stands for never
   */
  value(outcome: Pick<Outcome, 'init' | 'result'>): number | null
  format(value: number | null): string
}

const MINUTE = 60_000

export const HONEST_INBOUND: FigureKind = {
  name: 'honest-inbound',
  title: 'Share of inbound connections that are to honest nodes',
  max: 1,
  value: ({ result: { counts } }) => share(counts.honestInbound, counts.attackerInbound),
  format: percent
}

export const HONEST_OUTBOUND: FigureKind = {
  name: 'honest-outbound',
  title: 'Share of outbound connections that are to honest nodes',
  max: 1,
  value: ({ result: { counts } }) => share(counts.honestOutbound, counts.attackerOutbound),
  format: percent
}

export const ISOLATION: FigureKind = {
  name: 'isolation',
  title: 'Minutes until no connection to an honest node is left',
  max: 180,
  value: ({ result: { isolatedAfter } }) => isolatedAfter == null ? null : isolatedAfter / MINUTE,
  format: value => value == null ? 'never' : `${Math.round(value)} min`
}

export const HONEST_KEPT: FigureKind = {
  name: 'honest-kept',
  title: 'Honest inbound connections, compared with before the flood',
  max: 1,
  value: ({ result }) => Math.min(1, kept(result)),
  format: percent
}

export const HONEST_ACCEPTED: FigureKind = {
  name: 'honest-accepted',
  title: 'Share of honest nodes that are let in when they connect',
  max: 1,
  value: ({ result }) => result.honestAccepted,
  format: percent
}

export const ECLIPSE_FIGURES: readonly FigureKind[] = [HONEST_INBOUND, HONEST_OUTBOUND, ISOLATION]
export const FLOOD_FIGURES: readonly FigureKind[] = [HONEST_KEPT, HONEST_ACCEPTED]

/**
 * How many honest inbound connections there are, compared with before
 */
function kept ({ before, counts }: RunResult): number {
  return before.honestInbound === 0 ? 0 : counts.honestInbound / before.honestInbound
}

function share (part: number, rest: number): number {
  return part === 0 ? 0 : part / (part + rest)
}

function percent (value: number | null): string {
  return value == null ? '' : `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`
}
