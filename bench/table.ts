import { format } from './goals.ts'
import type { Goal, Results, Row } from './goals.ts'

/**
 * The results for people
 */
export function table (results: Results, goals: readonly Goal[]): string {
  const { choose, dial, enqueue } = results

  return [
    ...section('accept an inbound connection, per connection', results.accept),
    ...section('open one more connection and all that this sets off, per connection', results.open),
    ...section('choose and close a tenth of the connections, per trim', results.trim),
    ...section('the same with what the registrar of the node does for each peer that leaves', results.trimWithRegistrar),
    `choose ${format(choose.count)} of ${format(choose.n)} connections`,
    '',
    `  ${choose.choose_ms.toFixed(1)} ms, nothing else waits longer than ${choose.block_ms.toFixed(1)} ms until all are closed`,
    '',
    `remember a connection: ${format(results.memory.ours_bytes)} bytes, libp2p ${format(results.memory.libp2p_bytes)}`,
    '',
    'dial a peer, by how many of its addresses do not answer',
    '',
    line('dead', 'ours', 'libp2p', 'times faster'),
    dialLine('none', dial.ours.clean_ms, dial.libp2p.clean_ms),
    dialLine('one', dial.ours.oneDead_ms, dial.libp2p.oneDead_ms),
    dialLine('two', dial.ours.twoDead_ms, dial.libp2p.twoDead_ms),
    '',
    `enqueue a dial behind 500 others: ${time(enqueue.ours_us)}, libp2p ${time(enqueue.libp2p_us)}`,
    '',
    ...goals.map(({ goal, reached, measured }) => `${reached ? '✔' : '✘'} ${goal}: ${measured}`),
    '',
    verdict(goals)
  ].join('\n')
}

function section (title: string, rows: readonly Row[]): string[] {
  return [
    title,
    '',
    line('connections', 'ours', 'libp2p', 'times faster'),
    ...rows.map(({ n, ours_us: ours, libp2p_us: libp2p, ratio }) => line(format(n), time(ours), libp2p == null ? '-' : time(libp2p), ratio == null ? '-' : format(ratio, ratio < 10 ? 1 : 0))),
    ''
  ]
}

function dialLine (dead: string, ours: number | null, libp2p: number | null): string {
  const ratio = ours == null || libp2p == null ? '-' : format(libp2p / ours, libp2p / ours < 10 ? 1 : 0)

  return line(dead, ...[ours, libp2p].map(ms => ms == null ? 'fails' : `${ms.toFixed(0)} ms`), ratio)
}

function line (...columns: string[]): string {
  return `  ${columns.map(column => column.padStart(14)).join('')}`
}

function time (us: number): string {
  return us < 1_000 ? `${us.toFixed(2)} µs` : `${format(us / 1_000, 1)} ms`
}

function verdict (goals: readonly Goal[]): string {
  const missed = goals.filter(({ reached }) => !reached)

  return missed.length === 0
    ? `all ${goals.length} goals are reached`
    : `${goals.length - missed.length} of ${goals.length} goals are reached, missed: ${missed.map(({ goal }) => goal).join('; ')}`
}
