import { GatewayError, toGatewayError } from './gateway-client.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { Network, UDPSocketOptions } from '../network/network.ts'

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

/**
 * When a gateway told its epoch
 */
export interface EpochReading {
  /**
   * Seconds since the gateway started to keep its mappings
   */
  epoch: number

  /**
   * When it was told, in ms
   */
  at: number
}

/**
 * Whether a gateway lost its mappings between two readings: its clock went
 * back, or advanced too little or too much (RFC 6887 section 8.5, RFC 6886
 * section 3.6)
 */
export function epochWasReset (previous: EpochReading | undefined, current: EpochReading): boolean {
  if (previous == null) {
    return false
  }

  // replies may overtake each other by a second
  if (current.epoch < previous.epoch - 1) {
    return true
  }

  const ours = (current.at - previous.at) / 1_000
  const theirs = current.epoch - previous.epoch

  return ours + 2 < theirs - theirs / 16 || theirs + 2 < ours - ours / 16
}

/**
 * Where a gateway is found that is spoken to in datagrams
 */
export interface UDPGatewayInit {
  /**
   * IP address, with a zone if it is a link-local one
   */
  host: string
  port: number
  network: Network
  clock: Clock
}

/**
 * A gateway that is asked in one datagram and tells its epoch in the answer, as
 * those of PCP (RFC 6887) and NAT-PMP (RFC 6886) do
 */
export class UDPGateway {
  readonly host: string

  /**
   * The address of this machine that faces the gateway, once it has answered
   */
  localAddress = ''

  /**
   * How often it has lost its mappings
   */
  resets = 0
  readonly #init: UDPGatewayInit
  #reading?: EpochReading

  constructor (init: UDPGatewayInit) {
    this.#init = init
    this.host = init.host
  }

  /**
   * @throws {GatewayError}
   */
  protected async request<T extends { epoch: number }> (request: Omit<UDPRequest<T>, 'connectTo'>): Promise<T> {
    const { host, port, network, clock } = this.#init
    const { answer, localAddress } = await requestOverUDP(network, clock, { ...request, connectTo: { host, port } })

    this.localAddress = localAddress
    const reading = { epoch: answer.epoch, at: clock.now() }
    this.resets += epochWasReset(this.#reading, reading) ? 1 : 0
    this.#reading = reading

    return answer
  }
}
