import { backOff } from '../agenda.ts'
import type { BackOff } from '../agenda.ts'
import type { MappingGrant } from '../gateway/gateway-client.ts'

/**
 * - `wanted`: not asked for yet
 * - `requesting`: the gateway was asked
 * - `mapped`: granted
 * - `renewing`: granted, and the gateway was asked for a new lease
 * - `lost`: the gateway does not have it any more
 * - `failed`: refused; asked for again later
 * - `removed`: not wanted any more
 */
export type MappingStatus = 'wanted' | 'requesting' | 'mapped' | 'renewing' | 'lost' | 'failed' | 'removed'

/**
 * What is known about one mapping
 */
export interface MappingState {
  status: MappingStatus

  /**
   * What the gateway granted last. Kept when it is lost: asking for the same
   * port again keeps the address that others know.
   */
  grant?: MappingGrant

  /**
   * Failures in a row
   */
  failures: number

  /**
   * When to ask (again), in ms
   */
  wakeAt?: number

  /**
   * When the lease ends, in ms; `undefined` if it does not
   */
  expiresAt?: number
}

/**
 * What happened to a mapping
 *
 * - `request`: the gateway is asked
 * - `granted` / `refused`: it answered, or did not
 * - `lost`: it said that it has it no more, or cannot have it
 * - `expired`: the lease ended unrenewed
 * - `removed`: nobody listens behind it any more
 */
export type MappingEvent = { type: 'request' | 'refused' | 'lost' | 'expired' | 'removed' } | { type: 'granted', grant: MappingGrant }

/**
 * The times that decide
 */
export interface MappingTimes {
  /**
   * Which part of a lease may pass before it is renewed (RFC 6886 section 3.3:
   * half)
   */
  renewAt: number

  /**
   * How long to wait after refusals
   */
  retryBackOff: BackOff

  /**
   * How long a lease without an end, or with an absurdly short one, is left
   * alone, in ms
   */
  minRenewal: number
}

/**
 * A mapping that nobody was asked for yet
 */
export const WANTED_MAPPING: MappingState = { status: 'wanted', failures: 0 }

/**
 * How a mapping's state follows from what happened at `now`
 */
export function nextMappingState (state: MappingState, event: MappingEvent, now: number, times: MappingTimes): MappingState {
  if (state.status === 'removed') {
    return state
  }

  switch (event.type) {
    case 'request':
      return { ...state, status: isMapped(state) ? 'renewing' : 'requesting', wakeAt: undefined }
    case 'granted': {
      const { lease } = event.grant

      return {
        status: 'mapped',
        grant: event.grant,
        failures: 0,
        wakeAt: lease === 0 ? undefined : now + Math.max(times.minRenewal, lease * times.renewAt),
        expiresAt: lease === 0 ? undefined : now + lease
      }
    }
    case 'refused': {
      const failures = state.failures + 1
      const wakeAt = now + backOff(failures, times.retryBackOff)

      // what was granted holds until it ends
      if (isMapped(state) && (state.expiresAt == null || state.expiresAt > now)) {
        return { ...state, status: 'mapped', failures, wakeAt: Math.min(wakeAt, state.expiresAt ?? wakeAt) }
      }

      return { status: 'failed', grant: state.grant, failures, wakeAt }
    }
    case 'lost':
    case 'expired':
      return { status: 'lost', grant: state.grant, failures: 0, wakeAt: now }
    default:
      return { status: 'removed', failures: 0 }
  }
}

/**
 * Whether the gateway forwards, as far as is known
 */
export function isMapped (state: MappingState): boolean {
  return state.status === 'mapped' || state.status === 'renewing'
}
