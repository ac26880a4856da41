import { epochWasReset } from './epoch.ts'
import { requestOverUDP } from './udp-request.ts'
import type { EpochReading } from './epoch.ts'
import type { UDPRequest } from './udp-request.ts'
import type { Clock } from '../../clock.ts'
import type { Network } from '../network/types.ts'

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
