import { readFields, readFrame } from './wire.ts'
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
  const place = dialRequest instanceof Uint8Array ? readFields(dialRequest)?.get(REQUEST_NONCE) : undefined

  if (!(place instanceof Uint8Array) || place.byteLength !== nonce.byteLength) {
    return false
  }

  place.set(nonce)

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
