import { KINDS } from './plan.ts'
import { plot } from './plot.ts'
import { failures } from './recorder.ts'
import type { Kind } from './plan.ts'
import type { Refused, SwarmRecord, TrimmedPeer } from './recorder.ts'
import type { RefusalReason } from '../../src/index.ts'

/**
 * What the peers of each kind did, for those who have not read the code
 */
const DEEDS: Record<Kind | 'unknown', string> = {
  validator: 'protected by the node',
  useful: 'sent blocks, for which the node gave them a tag',
  busy: 'kept a stream open',
  idle: 'did nothing',
  flapping: 'came and left, over and over',
  flooding: 'opened many connections at once',
  unknown: 'from outside of the swarm'
}

const REFUSALS: Record<RefusalReason, (limit: number) => string> = {
  stopped: () => 'while the node was not running',
  banned: () => 'from who was banned',
  denied: () => 'from the deny list',
  'net-restrict': () => 'from another network than those that may connect',
  rate: limit => `more than ${limit} from one host within a second`,
  'subnet-pending': limit => `${limit} others of the network were being encrypted already`,
  pending: limit => `${limit} others were being encrypted already`,
  load: () => 'the node had too much to do',
  discouraged: () => 'had misbehaved, and only the last place was free',
  subnet: limit => `${limit} connections from the same network were open already`,
  'max-connections': limit => `${limit} connections were open, and none was worse`,
  resources: limit => `${limit} connections of the same peer were open already`,
  self: () => 'from the node itself',
  flapping: () => 'came and left, over and over',
  hook: () => 'a hook of the node did not want them',
  gater: () => 'the connection gater of the node did not want them'
}

const REASONS: Record<string, string> = {
  'high-water': 'more were open than the high watermark, the least valuable had to go',
  requested: 'trim() was called',
  count: 'trimConnections() was called',
  'max-connections': 'maxConnections was lowered',
  emergency: 'memory was short'
}

/**
 * How many of the hosts and peers that were refused are named
 */
const MAX_NAMES = 3

/**
 * What happened, for people
 */
export function report (record: SwarmRecord): string {
  return [
    '',
    `In ${seconds(record.duration)} ${record.opened} connections were opened, ${record.refused} were refused, and ${record.trimmed} were trimmed in ${plural(record.trims, 'trim')}.`,
    `${record.peak} were open at the most, ${record.final} in the end.`,
    '',
    'Open connections over time',
    '',
    ...plot(record.samples, record),
    '',
    ...trimmed(record),
    '',
    ...survivors(record),
    '',
    ...refused(record),
    '',
    ...verdict(record)
  ].join('\n')
}

function trimmed ({ trimmedPeers, trimmedByKind, trimmedByReason, trimmedDuplicates }: SwarmRecord): string[] {
  if (trimmedPeers.length === 0) {
    return ['Nobody was trimmed.']
  }

  const count = (kind: Kind | 'unknown'): number => trimmedByKind[kind] ?? 0
  const kinds = [...KINDS, ...(count('unknown') > 0 ? ['unknown' as const] : [])].sort((a, b) => count(b) - count(a))
  const most = count(kinds[0])

  return [
    'Trimmed',
    '',
    ...Object.entries(trimmedByReason).map(([reason, count]) => `  ${plural(count, 'connection')}: ${REASONS[reason] ?? reason}`),
    '',
    ...kinds.map(kind => `  ${kind.padEnd(10)}${bar(count(kind), most)} ${String(count(kind)).padStart(4)}  ${DEEDS[kind]}`),
    '',
    ...examples(trimmedPeers, kinds).map(example => `  ${describe(example)}`),
    ...(trimmedDuplicates > 0 ? [`  ${plural(trimmedDuplicates, 'duplicate')} went first: the peer kept its better connection`] : [])
  ]
}

/**
 * One of each kind, and one duplicate
 */
function examples (trimmedPeers: TrimmedPeer[], kinds: ReadonlyArray<TrimmedPeer['kind']>): TrimmedPeer[] {
  const found = kinds.map(kind => trimmedPeers.findLast(peer => peer.kind === kind && !peer.duplicate))
  found.push(trimmedPeers.find(peer => peer.duplicate))

  return found.filter(peer => peer != null)
}

function describe ({ name, value, streams, age, duplicate, at }: TrimmedPeer): string {
  return `${name.padEnd(14)}at ${seconds(at).padStart(6)}   ${[
    duplicate ? 'duplicate' : `value ${format(value)}`,
    plural(streams, 'stream'),
    `open for ${seconds(age)}`
  ].join(' · ')}`
}

function survivors ({ protected: count, protectedSurvived, protectedLost }: SwarmRecord): string[] {
  const lines = ['Protected', '', `  ${protectedSurvived} of ${plural(count, 'protected peer')} kept the connection throughout, though they did nothing for it`]

  return protectedLost.length === 0 ? lines : [...lines, `  lost: ${protectedLost.join(', ')}`]
}

function refused ({ refusedByReason }: SwarmRecord): string[] {
  if (refusedByReason.length === 0) {
    return ['Nobody was refused.']
  }

  return [
    'Refused',
    '',
    ...refusedByReason.map(({ reason, count, limit, scopes }) => `  ${String(count).padStart(4)}  ${REFUSALS[reason](limit)}${names(scopes)}`)
  ]
}

function names (scopes: Refused['scopes']): string {
  const found = Object.entries(scopes)
    .filter(([scope]) => scope.includes(':'))
    .sort(([, a], [, b]) => b - a)
    .map(([scope, count]) => `${scope.slice(scope.indexOf(':') + 1)} (${count})`)

  if (found.length === 0) {
    return ''
  }

  const more = found.length - MAX_NAMES

  return `: ${found.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${plural(more, 'other')}` : ''}`
}

function verdict (record: SwarmRecord): string[] {
  const found = failures(record)

  return found.length === 0
    ? [`✔ All protected peers are still connected, and ${record.final} connections are no more than the high watermark of ${record.highWater}.`]
    : found.map(failure => `✘ ${failure}`)
}

/**
 * What is more than nothing can be seen
 */
function bar (value: number, most: number): string {
  return '█'.repeat(Math.max(Math.sign(value), Math.round(value / most * 20))).padEnd(20)
}

function seconds (ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function format (value: number): string {
  return String(Math.round(value * 10) / 10)
}

function plural (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
