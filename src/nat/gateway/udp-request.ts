import { GatewayError, toGatewayError } from '../errors.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { Network, UDPSocketOptions } from '../network/types.ts'

/**
 * The first wait for an answer, doubled after each try (RFC 6886 section 3.1)
 */
export const RETRANSMIT_DELAY = 250

/**
 * How often a request is sent. RFC 6886 says 9 times, which is two minutes: too
 * long for a gateway on the local network.
 */
export const RETRANSMIT_TRIES = 4

/**
 * A request in one datagram whose answer is one datagram
 */
export interface UDPRequest<T> extends UDPSocketOptions {
  connectTo: { host: string, port: number }

  /**
   * Makes the datagram, knowing which address it is sent from
   */
  encode(localAddress: string): Uint8Array

  /**
   * Reads an answer: `undefined` if it is none, it throws if the gateway
   * refused
   */
  decode(data: Uint8Array): T | undefined

  /**
   * @default 4
   */
  tries?: number
}

/**
 * Send a request until it is answered
 *
 * @throws {GatewayError}
 */
export async function requestOverUDP<T> (network: Network, clock: Clock, request: UDPRequest<T>): Promise<{ answer: T, localAddress: string }> {
  let timer: Timer | undefined
  const { signal } = request

  try {
    signal?.throwIfAborted()
    const socket = await network.openUDP(request)

    return await new Promise<{ answer: T, localAddress: string }>((resolve, reject) => {
      const onAbort = (): void => { finish(() => { reject(toGatewayError(signal?.reason)) }) }
      const finish = (settle: () => void): void => {
        timer?.clear()
        signal?.removeEventListener('abort', onAbort)
        socket.close()
        settle()
      }
      const attempt = (tries: number, delay: number): void => {
        if (tries === 0) {
          finish(() => { reject(new GatewayError('timeout', `${request.connectTo.host} did not answer`)) })
          return
        }

        // armed first: a send that fails at once must be able to disarm it
        timer = clock.setTimeout(() => { attempt(tries - 1, delay * 2) }, delay)

        try {
          socket.send(request.encode(socket.localAddress))
        } catch (err) {
          finish(() => { reject(toGatewayError(err)) })
        }
      }

      socket.onError = err => { finish(() => { reject(toGatewayError(err)) }) }
      socket.onMessage = ({ data }) => {
        try {
          const answer = request.decode(data)

          if (answer !== undefined) {
            finish(() => { resolve({ answer, localAddress: socket.localAddress }) })
          }
        } catch (err) {
          finish(() => { reject(toGatewayError(err)) })
        }
      }

      if (signal?.aborted === true) {
        onAbort()
        return
      }

      signal?.addEventListener('abort', onAbort)
      attempt(request.tries ?? RETRANSMIT_TRIES, RETRANSMIT_DELAY)
    })
  } catch (err) {
    throw toGatewayError(err)
  }
}
