import { GatewayError } from '../errors.ts'
import { callSOAP } from './soap-client.ts'
import { hostOf } from './ssdp-message.ts'
import { textOf } from './xml.ts'
import type { IGDDescription, IGDService } from './igd-description.ts'
import type { GatewayClient, MappingGrant, MappingRequest } from './types.ts'
import type { XMLElement } from './xml.ts'
import type { Random } from '../../random.ts'
import type { IPFamily } from '../ip.ts'
import type { Network } from '../network/types.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * What an {@link IGDClient} needs
 */
export interface IGDClientInit {
  description: IGDDescription
  family: IPFamily

  /**
   * The address of this machine that faces the gateway
   */
  localAddress: string

  /**
   * How mappings are called in the gateway's list
   */
  label: string

  /**
   * How many random ports to try when the wished one is taken
   */
  fallbackPorts: number

  /**
   * From and up to which port they are taken
   */
  fallbackRange: [number, number]
  network: Network
  random: Random
}

const PROTOCOL_NUMBERS = { tcp: 6, udp: 17 }

// WANIPv6FirewallControl:1 section 2.5.5: an hour if nothing shorter is wanted
const MAX_PINHOLE_SECONDS = 86_400

/**
 * Maps ports by UPnP IGD 1 and 2, and opens IPv6 pinholes by IGD 2
 */
export class IGDClient implements GatewayClient {
  readonly protocol: 'igd1' | 'igd2'
  readonly host: string
  readonly family: IPFamily
  readonly localAddress: string
  readonly resets = 0
  readonly #init: IGDClientInit
  readonly #service: IGDService
  #permanentOnly = false

  /**
   * @throws {GatewayError} `unsupported`: the device does nothing for this
   * family
   */
  constructor (init: IGDClientInit) {
    const service = init.family === 4 ? init.description.connections[0] : init.description.firewall

    if (service == null) {
      throw new GatewayError('unsupported', `The device does nothing for IPv${init.family}`)
    }

    this.#init = init
    this.#service = service
    this.protocol = init.description.version === 2 ? 'igd2' : 'igd1'
    this.host = hostOf(service.controlURL)
    this.family = init.family
    this.localAddress = init.localAddress
  }

  async externalAddress (options: AbortOptions = {}): Promise<string | undefined> {
    if (this.family === 6) {
      // a pinhole does not translate; this tells whether the gateway lives
      await this.#call('GetFirewallStatus', {}, options)

      return undefined
    }

    const answer = await this.#call('GetExternalIPAddress', {}, options)

    return textOf(answer, 'NewExternalIPAddress') ?? ''
  }

  async map (request: MappingRequest, granted?: MappingGrant, options: AbortOptions = {}): Promise<MappingGrant> {
    return this.family === 6 ? this.#openPinhole(request, granted, options) : this.#mapPort(request, granted, options)
  }

  async unmap (request: MappingRequest, granted: MappingGrant, options: AbortOptions = {}): Promise<void> {
    if (this.family === 6) {
      await this.#call('DeletePinhole', { UniqueID: granted.token ?? '' }, { ...options, localAddress: request.internalAddress })
      return
    }

    await this.#call('DeletePortMapping', this.#entry(request, granted.externalPort), options)
  }

  async isMapped (request: MappingRequest, granted: MappingGrant, options: AbortOptions = {}): Promise<boolean | undefined> {
    try {
      if (this.family === 6) {
        await this.#call('CheckPinholeWorking', { UniqueID: granted.token ?? '' }, { ...options, localAddress: request.internalAddress })

        return true
      }

      const answer = await this.#call('GetSpecificPortMappingEntry', this.#entry(request, granted.externalPort), options)

      return textOf(answer, 'NewInternalClient') === request.internalAddress && Number(textOf(answer, 'NewInternalPort')) === request.internalPort
    } catch (err) {
      if (err instanceof GatewayError && err.code === 'not-found') {
        return false
      }

      // 709: no traffic came through the pinhole yet; others: it is an optional action
      if (err instanceof GatewayError && err.status != null) {
        return undefined
      }

      throw err
    }
  }

  async #mapPort (request: MappingRequest, granted: MappingGrant | undefined, options: AbortOptions): Promise<MappingGrant> {
    if (granted == null && this.protocol === 'igd2' && !this.#permanentOnly) {
      try {
        const answer = await this.#call('AddAnyPortMapping', this.#fullEntry(request, request.externalPort, request.lease), options)
        const externalPort = Number(textOf(answer, 'NewReservedPort'))

        if (isPort(externalPort)) {
          return { externalPort, lease: request.lease }
        }
      } catch (err) {
        // it is optional, and some devices that have it refuse or break it
        if (!(err instanceof GatewayError) || err.status == null || err.code === 'network-failure' || err.code === 'not-authorized') {
          throw err
        }
      }
    }

    return this.#addPortMapping(request, granted?.externalPort ?? request.externalPort, options)
  }

  async #addPortMapping (request: MappingRequest, wished: number, options: AbortOptions): Promise<MappingGrant> {
    const ports = [wished]
    let conflict: GatewayError | undefined

    for (let i = 0; i < this.#init.fallbackPorts; i++) {
      ports.push(this.#randomPort())
    }

    for (let i = 0; i < ports.length; i++) {
      const lease = this.#permanentOnly ? 0 : request.lease

      try {
        await this.#call('AddPortMapping', this.#fullEntry(request, ports[i], lease), options)

        return { externalPort: ports[i], lease }
      } catch (err) {
        const code = err instanceof GatewayError ? err.code : 'failed'

        if (code === 'permanent-lease-only' && !this.#permanentOnly) {
          this.#permanentOnly = true
          i--
        } else if (code === 'same-port-only' && ports[i] !== request.internalPort) {
          ports.splice(i + 1, ports.length, request.internalPort)
        } else if (err instanceof GatewayError && code === 'conflict') {
          conflict = err
        } else {
          throw err
        }
      }
    }

    throw conflict ?? new GatewayError('conflict', 'Every port that was tried is taken')
  }

  async #openPinhole (request: MappingRequest, granted: MappingGrant | undefined, options: AbortOptions): Promise<MappingGrant> {
    const seconds = Math.min(Math.ceil(request.lease / 1_000), MAX_PINHOLE_SECONDS)
    const from = { ...options, localAddress: request.internalAddress }
    const grant = { externalPort: request.internalPort, externalAddress: request.internalAddress, lease: seconds * 1_000 }

    if (granted?.token != null) {
      try {
        await this.#call('UpdatePinhole', { UniqueID: granted.token, NewLeaseTime: seconds }, from)

        return { ...grant, token: granted.token }
      } catch (err) {
        if (!(err instanceof GatewayError) || err.status == null) {
          throw err
        }
        // gone: open a new one
      }
    }

    const answer = await this.#call('AddPinhole', {
      RemoteHost: '',
      RemotePort: 0,
      InternalClient: request.internalAddress,
      InternalPort: request.internalPort,
      Protocol: PROTOCOL_NUMBERS[request.protocol],
      LeaseTime: seconds
    }, from)

    return { ...grant, token: textOf(answer, 'UniqueID') ?? '' }
  }

  #entry (request: MappingRequest, externalPort: number): Record<string, string | number> {
    return { NewRemoteHost: '', NewExternalPort: externalPort, NewProtocol: request.protocol.toUpperCase() }
  }

  #fullEntry (request: MappingRequest, externalPort: number, lease: number): Record<string, string | number> {
    return {
      ...this.#entry(request, externalPort),
      NewInternalPort: request.internalPort,
      NewInternalClient: request.internalAddress,
      NewEnabled: 1,
      NewPortMappingDescription: this.#init.label,
      NewLeaseDuration: Math.ceil(lease / 1_000)
    }
  }

  async #call (action: string, args: Record<string, string | number>, options: AbortOptions & { localAddress?: string }): Promise<XMLElement> {
    return callSOAP(this.#init.network, this.#service, action, args, options)
  }

  #randomPort (): number {
    const [from, to] = this.#init.fallbackRange

    return from + Math.floor(this.#init.random.next() * (to - from + 1))
  }
}

function isPort (port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff
}
