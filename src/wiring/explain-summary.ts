import type { PeerExplanation } from './explain-types.ts'

/**
 * A few sentences for people
 */
export function summarize (facts: Omit<PeerExplanation, 'known' | 'summary'>, known: boolean, now: number): string {
  if (!known) {
    return 'Nothing is known of this peer.'
  }

  const { bans, connections, discouraged, flapping, lastDialError, realm, value } = facts

  const sentences = [
    connections.length === 0 ? 'It is not connected.' : `It has ${count(connections.length, 'connection')} open.`,
    `It is worth ${round(value)}${realm == null ? '' : ` and counts in the realm ${realm}`}.`,
    connections.length === 0 ? '' : trimming(facts),
    ...bans.map(({ target, reason, expires }) => `${target === facts.peer ? 'It' : target} is banned${reason == null ? '' : ` (${reason})`}${expires == null ? '' : ` for another ${seconds(expires - now)}`}.`),
    discouraged ? 'It is discouraged: it may stay only while there is room.' : '',
    flapping ? 'It is kept out for a while, as it connects and disconnects again and again.' : '',
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

function count (n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function seconds (ms: number): string {
  return ms === Infinity ? 'time without end' : `${Math.ceil(ms / 1_000)} s`
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
