import type { Origin } from './origin.ts'
import type { AdmissionRefusal } from './refusals.ts'
import type { OnFull } from '../resources/index.ts'

/**
 * What the resource manager has reserved for a connection. A `ConnectionScope` is
 * one.
 */
export interface Reservation {
  setPeer(peer: string, realm?: string, onFull?: OnFull): void
  leaveAllowList(): void
  release(): void
}

/**
 * What an inbound connection has taken
 */
export interface Admission<R extends Reservation = Reservation> extends Origin {
  /**
   * Whether the limits were lifted for it
   */
  readonly isAllowListed: boolean

  /**
   * Whether the connection is not upgraded yet
   */
  readonly isPending: boolean

  /**
   * What the resource manager has reserved for it
   */
  readonly reservation: R
}

/**
 * Whether a connection may come in
 */
export type AdmissionDecision<R extends Reservation = Reservation> =
  { admission: Admission<R>, refusal?: undefined } |
  { admission?: undefined, refusal: AdmissionRefusal }
