import { backOff } from '../agenda.ts'
import type { BackOff } from '../agenda.ts'

/**
 * - `unknown`: nobody tried to dial it since it came up or changed
 * - `verifying`: somebody is trying, nothing is known yet
 * - `reachable`: others can dial it
 * - `unreachable`: others cannot
 */
export type AddressStatus = 'unknown' | 'verifying' | 'reachable' | 'unreachable'

/**
 * What one server found
 */
export interface AddressVote {
  /**
   * The server's network: one network has one vote
   */
  group: string
  success: boolean
  at: number
}

/**
 * What is known about one address
 */
export interface AddressState {
  status: AddressStatus

  /**
   * The votes of the current round, one per network, oldest first
   */
  votes: AddressVote[]

  /**
   * The networks of the servers that dialled it and got through, as far as nobody of the
   * same network failed since; the latest last
   */
  confirmedBy: string[]

  /**
   * The networks of the servers that are trying right now
   */
  asking: string[]

  /**
   * Refusals in a row by servers that would not dial it
   */
  refusals: number

  /**
   * Rounds in a row without a verdict
   */
  idleRounds: number

  /**
   * When the last dials were asked for, in ms
   */
  dials: number[]

  /**
   * When to ask (again), in ms
   */
  wakeAt: number

  /**
   * When a server succeeded last, in ms
   */
  lastVerified?: number
}

/**
 * What happened to an address
 *
 * - `probe`: a server is asked
 * - `voted`: it dialled, and told how that went
 * - `refused`: it does not want to dial this address
 * - `inconclusive`: the request failed for another reason
 * - `exhausted`: there is no server left to ask in this round
 * - `available`: there is another server
 * - `requested`: somebody wants to know now
 * - `invalidated`: what was known is not true any more
 */
export type AddressEvent = { type: 'exhausted' | 'available' | 'requested' | 'invalidated' } |
  { type: 'probe' | 'refused' | 'inconclusive', group: string } |
  { type: 'voted', group: string, success: boolean }

/**
 * The numbers that decide
 */
export interface AddressRules {
  /**
   * How many more successes than failures make it reachable
   */
  required: number

  /**
   * How many more failures than successes make it unreachable, and how many networks
   * have to get through before it is believed without asking more (go-libp2p: 2)
   */
  minConfidence: number

  /**
   * At which difference no more servers are asked (go-libp2p: 3)
   */
  targetConfidence: number

  /**
   * How many votes count (go-libp2p: 5)
   */
  window: number

  /**
   * How long a network's vote keeps it from voting again, in ms. That of one that got
   * through to a reachable address does so for `reprobeReachable`.
   */
  voteInterval: number

  /**
   * How long a reachable address is believed, in ms
   */
  reprobeReachable: number

  /**
   * How long an unreachable address is believed, in ms
   */
  reprobeUnreachable: number

  /**
   * How long to wait when there was nobody to ask
   */
  noServers: BackOff

  /**
   * How many refusals in a row give the address a rest (go-libp2p: 5)
   */
  maxRefusals: number

  /**
   * How many dials may be asked for in `dialsInterval` (go-libp2p: 10 in 10
   * minutes)
   */
  maxDials: number
  dialsInterval: number
}

/**
 * An address that came up and is to be looked at `at`
 */
export function newAddressState (at: number): AddressState {
  return { status: 'unknown', votes: [], confirmedBy: [], asking: [], refusals: 0, idleRounds: 0, dials: [], wakeAt: at }
}

/**
 * How an address's state follows from what happened at `now`
 */
export function nextAddressState (state: AddressState, event: AddressEvent, now: number, rules: AddressRules): AddressState {
  switch (event.type) {
    case 'probe':
      return {
        ...state,
        status: state.status === 'unknown' ? 'verifying' : state.status,
        asking: [...state.asking, event.group],
        dials: [...state.dials.filter(at => at > now - rules.dialsInterval), now]
      }
    case 'voted':
      return count(state, { group: event.group, success: event.success, at: now }, now, rules)
    case 'refused': {
      const refusals = state.refusals + 1
      const ended = endProbe({ ...state, refusals }, event.group)

      return refusals >= rules.maxRefusals ? { ...ended, refusals: 0, wakeAt: now + rules.dialsInterval } : ended
    }
    case 'inconclusive':
      return endProbe(state, event.group)
    case 'exhausted':
      return state.asking.length > 0 ? state : endRound(state, now, rules)
    case 'available':
      // nothing was found out for want of servers
      return state.idleRounds > 0 && now < state.wakeAt ? { ...state, wakeAt: now } : state
    case 'requested':
      return { ...state, votes: [], refusals: 0, idleRounds: 0, dials: [], wakeAt: now }
    default:
      return { ...newAddressState(now), asking: state.asking }
  }
}

/**
 * Successes minus failures
 */
export function confidenceOf (state: AddressState): number {
  return state.votes.reduce((sum, { success }) => sum + (success ? 1 : -1), 0)
}

/**
 * Whether a round ended in which no server said anything
 */
export function isUndecidable ({ status, votes, idleRounds }: AddressState): boolean {
  return (status === 'unknown' || status === 'verifying') && votes.length === 0 && idleRounds > 0
}

/**
 * Whether a server in this network should be asked now
 */
export function wantsProbe (state: AddressState, group: string, now: number, rules: AddressRules): boolean {
  if (now < state.wakeAt || state.dials.filter(at => at > now - rules.dialsInterval).length >= rules.maxDials) {
    return false
  }

  const missing = rules.targetConfidence - Math.abs(confidenceOf(state))

  return state.asking.length < missing && !state.asking.includes(group) &&
    !state.votes.some(vote => vote.group === group && vote.at > now - believedFor(state, vote, rules))
}

function believedFor ({ status }: AddressState, { success }: AddressVote, rules: AddressRules): number {
  return status === 'reachable' && success ? rules.reprobeReachable : rules.voteInterval
}

function count (state: AddressState, vote: AddressVote, now: number, rules: AddressRules): AddressState {
  // a server that is asked again, or its neighbour, does not outvote the others
  const votes = [...state.votes.filter(({ group }) => group !== vote.group), vote].slice(-rules.window)
  const others = state.confirmedBy.filter(group => group !== vote.group)
  const confirmedBy = vote.success ? [...others, vote.group].slice(-rules.window) : others
  const ended = endProbe({ ...state, votes, confirmedBy, refusals: 0, idleRounds: 0, lastVerified: vote.success ? now : state.lastVerified }, vote.group)
  const judged = { ...ended, status: judge(ended, rules) }

  return Math.abs(confidenceOf(judged)) >= rules.targetConfidence ? endRound(judged, now, rules) : judged
}

function judge (state: AddressState, rules: AddressRules): AddressStatus {
  const confidence = confidenceOf(state)

  if (confidence >= rules.required) {
    return 'reachable'
  }

  if (confidence <= -rules.minConfidence) {
    return 'unreachable'
  }

  return state.status === 'unknown' ? 'verifying' : state.status
}

function endProbe (state: AddressState, group: string): AddressState {
  return { ...state, asking: state.asking.filter(other => other !== group) }
}

function endRound (state: AddressState, now: number, rules: AddressRules): AddressState {
  const confidence = confidenceOf(state)

  // until so many networks got through, others are asked as soon as they come
  if (confidence >= rules.required && state.confirmedBy.length >= rules.minConfidence) {
    return { ...state, votes: [], idleRounds: 0, wakeAt: now + rules.reprobeReachable }
  }

  if (confidence <= -rules.minConfidence) {
    return { ...state, votes: [], idleRounds: 0, wakeAt: now + rules.reprobeUnreachable }
  }

  // no verdict: the votes are kept, more servers may come
  const idleRounds = state.idleRounds + 1

  return {
    ...state,
    status: state.status === 'verifying' && state.votes.length === 0 ? 'unknown' : state.status,
    idleRounds,
    wakeAt: now + backOff(idleRounds, rules.noServers)
  }
}
