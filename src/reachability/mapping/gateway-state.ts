import { backOff } from '../agenda.ts'
import type { BackOff } from '../agenda.ts'

/**
 * - `idle`: not started
 * - `searching`: looking for a gateway
 * - `ready`: one was found and answers
 * - `suspect`: it failed, not often enough to be given up
 * - `none`: the search found nothing; it is repeated
 */
export type GatewayStatus = 'idle' | 'searching' | 'ready' | 'suspect' | 'none'

/**
 * What is known about the gateway of one IP family
 */
export interface GatewayState {
  status: GatewayStatus

  /**
   * Failures in a row
   */
  failures: number

  /**
   * Searches in a row that found nothing
   */
  searches: number

  /**
   * When to search (`none`), or when to see whether the gateway is still well
   * (`ready`, `suspect`), in ms
   */
  wakeAt?: number
}

/**
 * What happened to a gateway
 *
 * - `start`: the service starts, or the network changed
 * - `found` / `not-found`: the search ended
 * - `answered` / `failed`: a request ended; `refused` means nobody listens
 * - `stop`: nobody is interested any more
 */
export type GatewayEvent = { type: 'start' | 'found' | 'not-found' | 'answered' | 'stop' } | { type: 'failed', refused: boolean }

/**
 * The times that decide
 */
export interface GatewayTimes {
  /**
   * How long after an answer to look again, in ms
   */
  checkInterval: number

  /**
   * How long after a failure to look again, in ms
   */
  suspectInterval: number

  /**
   * How many failures in a row end the trust (go-libp2p: 3)
   */
  maxFailures: number

  /**
   * How long to wait between searches
   */
  searchBackOff: BackOff
}

/**
 * The state of a gateway that was not looked for yet
 */
export const IDLE_GATEWAY: GatewayState = { status: 'idle', failures: 0, searches: 0 }

/**
 * How a gateway's state follows from what happened at `now`
 */
export function nextGatewayState (state: GatewayState, event: GatewayEvent, now: number, times: GatewayTimes): GatewayState {
  switch (event.type) {
    case 'stop':
      return IDLE_GATEWAY
    case 'start':
      return { status: 'searching', failures: 0, searches: state.searches }
    case 'found':
      return { status: 'ready', failures: 0, searches: 0, wakeAt: now + times.checkInterval }
    case 'not-found': {
      const searches = state.searches + 1

      return { status: 'none', failures: 0, searches, wakeAt: now + backOff(searches, times.searchBackOff) }
    }
    case 'answered':
      // an answer that comes after the trust was lost changes nothing
      return isTrusted(state) ? { status: 'ready', failures: 0, searches: 0, wakeAt: now + times.checkInterval } : state
    default: {
      if (!isTrusted(state)) {
        return state
      }

      const failures = state.failures + 1

      return event.refused || failures >= times.maxFailures
        ? { status: 'searching', failures: 0, searches: 0 }
        : { status: 'suspect', failures, searches: 0, wakeAt: now + times.suspectInterval }
    }
  }
}

/**
 * Whether requests go to this gateway
 */
export function isTrusted (state: GatewayState): boolean {
  return state.status === 'ready' || state.status === 'suspect'
}
