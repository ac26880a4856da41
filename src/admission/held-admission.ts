import type { Admission, Reservation } from './admission.ts'
import type { Linked } from './linked-list.ts'
import type { Origin } from './origin.ts'
import type { PendingHandshake } from './pending-handshakes.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * What is true of an admission until it is not any more: the limits were lifted for it,
 * its peer is known but it is not upgraded yet, it was not given back
 */
export const ALLOW_LISTED = 1
export const IDENTIFIED = 2
export const HELD = 4

/**
 * What an inbound connection has taken. There is one for each, so that what is true or
 * not about it are the bits of one number.
 */
export class HeldAdmission<R extends Reservation> implements Admission<R>, Linked<HeldAdmission<R>> {
  readonly reservation: R
  previous: HeldAdmission<R> | undefined = undefined
  next: HeldAdmission<R> | undefined = undefined

  /**
   * Its place among those that are not upgraded yet, while it has one
   */
  pending: PendingHandshake<HeldAdmission<R>> | undefined = undefined
  #flags: number

  /**
   * The IP address, or the relay: no connection has both
   */
  readonly #from: IpAddress | string | undefined

  constructor ({ ip, relay }: Origin, reservation: R, flags: number) {
    this.#from = ip ?? relay
    this.reservation = reservation
    this.#flags = flags
  }

  get ip (): IpAddress | undefined {
    return typeof this.#from === 'object' ? this.#from : undefined
  }

  get relay (): string | undefined {
    return typeof this.#from === 'string' ? this.#from : undefined
  }

  get isAllowListed (): boolean {
    return this.has(ALLOW_LISTED)
  }

  get isPending (): boolean {
    return this.pending != null
  }

  has (flag: number): boolean {
    return (this.#flags & flag) !== 0
  }

  set (flag: number): void {
    this.#flags |= flag
  }

  /**
   * What the flag says is not true any more
   */
  unset (flag: number): void {
    this.#flags &= ~flag
  }
}
