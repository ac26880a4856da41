import type { Stream } from '@libp2p/interface'

// the numbers of the AutoNAT v2 specification
const MESSAGE_DIAL_REQUEST = 1
const REQUEST_NONCE = 2
const DIAL_BACK_NONCE = 1
const NONCE_BYTES = 8

// more than a request for one address takes
const MAX_REQUEST_BYTES = 8_192

/**
 * The answer to a dial-back: a message of 2 bytes with the status OK
 */
export const DIAL_BACK_OK = Uint8Array.of(0x02, 0x08, 0x00)

/**
 * Longer dial-backs are not read, in bytes; there are 9 in one
 */
export const MAX_DIAL_BACK_BYTES = 128

/**
 * What tells the dial-back for one request from all others. Nobody can guess it.
 */
export function createNonce (): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
}

/**
 * A nonce, for use as a key
 */
export function nonceKey (nonce: Uint8Array): string {
  return nonce.join()
}

/**
 * The nonce that a server sends back, `undefined` if it sends something else
 */
export function readDialBack (message: Uint8Array): Uint8Array | undefined {
  const nonce = readFields(message)?.get(DIAL_BACK_NONCE)

  return nonce instanceof Uint8Array && nonce.byteLength === NONCE_BYTES ? nonce : undefined
}

/**
 * Put another nonce into a request, whose own is a predictable number below 2^53.
 * `false` if it is no request.
 */
export function replaceNonce (request: Uint8Array, nonce: Uint8Array): boolean {
  const dialRequest = readFields(request)?.get(MESSAGE_DIAL_REQUEST)
  const field = dialRequest instanceof Uint8Array ? readFields(dialRequest)?.get(REQUEST_NONCE) : undefined

  if (!(field instanceof Uint8Array) || field.byteLength !== nonce.byteLength) {
    return false
  }

  field.set(nonce)

  return true
}

/**
 * Have the request that is sent over a stream carry this nonce. It is the first
 * message; all else goes as it is.
 *
 * `send` throws if what is sent is no request
 */
export function sendNonce (stream: Pick<Stream, 'send'>, nonce: Uint8Array): void {
  const send = stream.send.bind(stream)
  let request = new Uint8Array()

  stream.send = data => {
    const joined = new Uint8Array(request.byteLength + data.byteLength)
    joined.set(request)
    joined.set(data.subarray(), request.byteLength)
    request = joined
    const frame = readFrame(request)

    if (frame == null && request.byteLength < MAX_REQUEST_BYTES) {
      return true
    }

    if (frame == null || !replaceNonce(frame.message, nonce)) {
      throw new Error('This is not a dial request')
    }

    stream.send = send

    return send(request)
  }
}

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

const WIRE_VARINT = 0
const WIRE_FIXED64 = 1
const WIRE_BYTES = 2
const FIXED64_BYTES = 8

/**
 * The fields of a protocol buffer, the last one of those that are repeated. Bytes
 * are views of the message. `undefined` if it is none, or has fields of a kind
 * that AutoNAT does not use.
 */
export function readFields (message: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>()
  let offset = 0

  while (offset < message.byteLength) {
    const tag = readVarint(message, offset)
    const field = tag == null ? undefined : readField(message, tag)

    if (tag == null || field == null) {
      return undefined
    }

    fields.set(tag.value >>> 3, field.value)
    offset = field.next
  }

  return fields
}

/**
 * What is in the first message of some bytes, and where it ends; `undefined` while
 * it is not complete
 */
export function readFrame (bytes: Uint8Array): { message: Uint8Array, next: number } | undefined {
  const length = readVarint(bytes, 0)

  if (length == null || bytes.byteLength < length.next + length.value) {
    return undefined
  }

  const next = length.next + length.value

  return { message: bytes.subarray(length.next, next), next }
}

function readField (message: Uint8Array, tag: { value: number, next: number }): { value: number | Uint8Array, next: number } | undefined {
  const wire = tag.value & 7

  if (wire === WIRE_FIXED64) {
    return slice(message, tag.next, FIXED64_BYTES)
  }

  const varint = readVarint(message, tag.next)

  if (varint == null || wire === WIRE_VARINT) {
    return varint
  }

  return wire === WIRE_BYTES ? slice(message, varint.next, varint.value) : undefined
}

function slice (message: Uint8Array, from: number, length: number): { value: Uint8Array, next: number } | undefined {
  const next = from + length

  return next > message.byteLength ? undefined : { value: message.subarray(from, next), next }
}

function readVarint (bytes: Uint8Array, offset: number): { value: number, next: number } | undefined {
  let value = 0
  let factor = 1

  // numbers stay below 2^53: eight bytes of seven bits are more than enough
  for (let i = offset; i < Math.min(bytes.byteLength, offset + 8); i++) {
    value += (bytes[i] & 0x7f) * factor
    factor *= 0x80

    if (bytes[i] < 0x80) {
      return { value, next: i + 1 }
    }
  }

  return undefined
}
