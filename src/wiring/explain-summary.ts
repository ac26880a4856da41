import type { Decision } from './decisions.ts'
import type { PeerExplanation } from './explain-types.ts'
import type { CloseReason } from '../core/index.ts'
import type { ParkReason } from '../outbound/index.ts'

const CLOSED: Record<CloseReason, string> = {
  trim: 'was trimmed, as there were too many',
  evict: 'was closed, as another one needed its place',
  refuse: 'was closed, as there was no place for it',
  ban: 'was closed, as it is banned',
  dead: 'was given up, as nothing was heard any more',
  idle: 'was closed, as no application used it',
  replaced: 'was closed, as there was a better one',
  surplus: 'was closed, as it was not needed any more',
  recycle: 'was closed to be replaced',
  'hang-up': 'was closed, as the user hung up',
  stop: 'was closed, as the node was stopped',
  remote: 'was closed by the remote, or by another part of this node',
  error: 'has failed'
}

const PARKED: Record<ParkReason, string> = {
  trim: 'it was trimmed',
  evict: 'it made room for a better one',
  refuse: 'there was no room for it',
  remote: 'the remote has closed its connection',
  full: 'there were as many connections as the high watermark allows'
}

/**
 * A few sentences for people
 */
export function summarize (facts: Omit<PeerExplanation, 'known' | 'summary'>, known: boolean, now: number, lowWater: number): string {
  if (!known) {
    return 'Nothing is known of this peer.'
  }

  const { bans, connections, discouraged, flapping, lastClosed, lastDialError, lastRefused, parked, realm, value } = facts
  const lastStream = facts.decisions.findLast(({ kind, details }) => kind === 'resource' && details.kind === 'stream')

  const sentences = [
    connections.length === 0 ? 'It is not connected.' : `It has ${count(connections.length, 'connection')} open.`,
    `It is worth ${round(value)}${realm == null ? '' : ` and counts in the realm ${realm}`}.`,
    connections.length === 0 ? '' : trimming(facts),
    ...bans.map(({ target, reason, expires }) => `${target === facts.peer ? 'It' : target} is banned${reason == null ? '' : ` (${reason})`}${expires == null ? '' : ` for another ${seconds(expires - now)}`}.`),
    discouraged ? 'It is discouraged: it may stay only while there is room.' : '',
    flapping ? 'It is kept out for a while, as it connects and disconnects again and again.' : '',
    lastClosed == null ? '' : `Its last connection ${CLOSED[lastClosed.reason as CloseReason]}${more(lastClosed.details.cause, lastClosed.details.message)}, ${since(lastClosed, now)}.`,
    lastRefused == null ? '' : `It was refused${more(lastRefused.reason, lastRefused.details.message ?? lastRefused.details.scope)}, ${since(lastRefused, now)}.`,
    lastStream == null ? '' : `One of its streams was refused${more(lastStream.reason, lastStream.details.scope)}, ${since(lastStream, now)}.`,
    parked == null ? '' : `It is parked: ${PARKED[parked.reason]} ${seconds(parked.age)} ago, and is not dialled again before there is room, with fewer than ${lowWater} connections.`,
    lastDialError == null ? '' : lastDialError
  ]

  return sentences.filter(sentence => sentence !== '').join(' ')
}

function trimming ({ graceRemaining, protectedBy, trimRank }: Omit<PeerExplanation, 'known' | 'summary'>): string {
  if (protectedBy.length > 0) {
    return `It is never trimmed, as it is protected by ${protectedBy.join(', ')}.`
  }

  if (graceRemaining > 0) {
    return `It is not trimmed for another ${seconds(graceRemaining)}, as it is new.`
  }

  return trimRank == null ? 'None of its connections may be trimmed now.' : `In a trim it would be number ${trimRank.position} of ${trimRank.of}.`
}

function more (...texts: unknown[]): string {
  const known = texts.filter(text => text != null)

  return known.length === 0 ? '' : ` (${known.join(': ')})`
}

function since ({ time }: Decision, now: number): string {
  return `${seconds(Math.max(0, now - time))} ago, at ${new Date(time).toISOString()}`
}

function count (n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function seconds (ms: number): string {
  return ms === Infinity ? 'time without end' : `${Math.ceil(ms / 1_000)} s`
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
