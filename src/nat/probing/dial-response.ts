import { readFields, readFrame } from './wire.ts'

/**
 * What is known after an AutoNAT v2 server answered
 *
 * - `reachable`: it dialled the address and got through
 * - `unreachable`: it dialled the address and did not
 * - `dial-back-failed`: it got through, but the new connection was of no use
 * - `refused`: it does not dial this address
 * - `rejected`: it does not want to be asked now
 * - `lied`: it says that it got through, and no dial-back arrived
 * - `failed`: something went wrong
 */
export type DialVerdict = 'reachable' | 'unreachable' | 'dial-back-failed' | 'refused' | 'rejected' | 'lied' | 'failed'

// the numbers of the AutoNAT v2 specification
const MESSAGE_DIAL_RESPONSE = 2
const MESSAGE_DIAL_DATA_REQUEST = 3
const RESPONSE_STATUS = 1
const RESPONSE_DIAL_STATUS = 3
const STATUS_REJECTED = 100
const STATUS_REFUSED = 101
const STATUS_OK = 200
const DIAL_STATUS_ERROR = 100
const DIAL_STATUS_BACK_ERROR = 101

const MAX_BUFFER = 8_192

/**
 * Answer of a server that is too busy: a message of 4 bytes with the dial
 * response "request rejected"
 */
export const REQUEST_REJECTED = Uint8Array.of(0x04, 0x12, 0x02, 0x08, 0x64)

/**
 * Listens in on what a server answers to libp2p's AutoNAT v2 client, which does
 * not tell: it counts failures silently, and only when eight networks agree.
 */
export class DialResponseReader {
  #buffer: Uint8Array = new Uint8Array()

  /**
   * Take in what arrived. Returns the verdict when it is complete.
   */
  read (chunk: Uint8Array): DialVerdict | undefined {
    if (this.#buffer.byteLength + chunk.byteLength > MAX_BUFFER) {
      this.#buffer = new Uint8Array()

      return 'failed'
    }

    const joined = new Uint8Array(this.#buffer.byteLength + chunk.byteLength)
    joined.set(this.#buffer)
    joined.set(chunk, this.#buffer.byteLength)
    this.#buffer = joined

    for (;;) {
      const frame = readFrame(this.#buffer)

      if (frame == null) {
        return undefined
      }

      this.#buffer = this.#buffer.slice(frame.next)
      const fields = readFields(frame.message)

      if (fields == null) {
        return 'failed'
      }

      const response = fields.get(MESSAGE_DIAL_RESPONSE)

      if (response instanceof Uint8Array) {
        return judge(readFields(response))
      }

      if (!fields.has(MESSAGE_DIAL_DATA_REQUEST)) {
        return 'failed'
      }
    }
  }
}

function judge (response: Map<number, number | Uint8Array> | undefined): DialVerdict {
  switch (response?.get(RESPONSE_STATUS)) {
    case STATUS_REJECTED:
      return 'rejected'
    case STATUS_REFUSED:
      return 'refused'
    case STATUS_OK:
      break
    default:
      return 'failed'
  }

  switch (response.get(RESPONSE_DIAL_STATUS)) {
    case STATUS_OK:
      return 'reachable'
    case DIAL_STATUS_ERROR:
      return 'unreachable'
    case DIAL_STATUS_BACK_ERROR:
      return 'dial-back-failed'
    default:
      return 'failed'
  }
}
