import type { Admission, Reservation } from './admission.ts'
import type { Linked } from './linked-list.ts'
import type { Origin } from './origin.ts'
import type { IpAddress } from '../addresses/index.ts'

const ALLOW_LISTED = 1
const DISCOURAGED = 2
const PENDING = 4
const RELEASED = 8

/**
 * What a connection is when it is let in
 */
export interface AdmissionState {
  isAllowListed: boolean
  isDiscouraged: boolean
  isPending: boolean
}

/**
 * What an inbound connection has taken. There is one for each, so that what is true or
 * not about it are the bits of one number.
 */
export class HeldAdmission<R extends Reservation> implements Admission<R>, Linked<HeldAdmission<R>> {
  readonly reservation: R
  previous: HeldAdmission<R> | undefined = undefined
  next: HeldAdmission<R> | undefined = undefined
  #flags: number

  /**
   * The IP address, or the relay: no connection has both
   */
  readonly #from: IpAddress | string | undefined

  constructor ({ ip, relay }: Origin, reservation: R, { isAllowListed, isDiscouraged, isPending }: AdmissionState) {
    this.#from = ip ?? relay
    this.reservation = reservation
    this.#flags = (isAllowListed ? ALLOW_LISTED : 0) | (isDiscouraged ? DISCOURAGED : 0) | (isPending ? PENDING : 0)
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

  set isAllowListed (value: boolean) {
    this.set(ALLOW_LISTED, value)
  }

  get isDiscouraged (): boolean {
    return this.has(DISCOURAGED)
  }

  set isDiscouraged (value: boolean) {
    this.set(DISCOURAGED, value)
  }

  get isPending (): boolean {
    return this.has(PENDING)
  }

  set isPending (value: boolean) {
    this.set(PENDING, value)
  }

  get isReleased (): boolean {
    return this.has(RELEASED)
  }

  set isReleased (value: boolean) {
    this.set(RELEASED, value)
  }

  private has (flag: number): boolean {
    return (this.#flags & flag) !== 0
  }

  private set (flag: number, value: boolean): void {
    this.#flags = value ? this.#flags | flag : this.#flags & ~flag
  }
}
