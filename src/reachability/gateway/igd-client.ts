import { isPublicIp } from '../../addresses/index.ts'
import { GatewayError, toGatewayError } from './gateway-client.ts'
import { callSOAP } from './soap.ts'
import { hostOf } from './ssdp.ts'
import { textOf } from './xml.ts'
import type { GatewayClient, MappingGrant, MappingRequest } from './gateway-client.ts'
import type { IGDDescription, IGDService } from './igd-description.ts'
import type { XMLElement } from './xml.ts'
import type { IPFamily } from '../../addresses/index.ts'
import type { Random } from '../../random.ts'
import type { Network } from '../network/network.ts'
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

// more WAN connections than a router has
const MAX_SERVICES = 8

// UPnP Device Architecture 2.0 section 3.2.2: invalid arguments, of which a gateway does not say which one
const INVALID_ARGUMENTS = 402

/**
 * Maps ports by UPnP IGD 1 and 2, and opens IPv6 pinholes by IGD 2. A router may list
 * several WAN connections of which one is up: they are asked in turn, beginning with the
 * one that worked last.
 */
export class IGDClient implements GatewayClient {
  readonly protocol: 'igd1' | 'igd2'
  readonly host: string
  readonly family: IPFamily
  readonly localAddress: string
  readonly resets = 0
  readonly #init: IGDClientInit
  readonly #services: IGDService[]
  #service: IGDService
  #permanentOnly = false

  /**
   * @throws {GatewayError} `unsupported`: the device does nothing for this
   * family
   */
  constructor (init: IGDClientInit) {
    const { connections, firewall } = init.description
    const services = init.family === 4 ? connections.slice(0, MAX_SERVICES) : [firewall].filter(service => service != null)
    const [service] = services

    if (service == null) {
      throw new GatewayError('unsupported', `The device does nothing for IPv${init.family}`)
    }

    this.#init = init
    this.#services = services
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

    const told: Array<{ service: IGDService, address: string }> = []
    const refusal = await this.#eachService(async service => {
      const address = await this.#addressOf(service, options)
      told.push({ service, address })

      return isPublicIp(address, 4)
    })
    const best = told.find(({ address }) => isPublicIp(address, 4)) ?? told.find(({ address }) => address !== '' && address !== '0.0.0.0')

    if (best != null) {
      this.#service = best.service

      return best.address
    }

    if (told.length > 0) {
      return told[0].address
    }

    throw refusal
  }

  async map (request: MappingRequest, granted?: MappingGrant, options: AbortOptions = {}): Promise<MappingGrant> {
    if (this.family === 6) {
      return this.#openPinhole(request, granted, options)
    }

    const before = this.#service
    let grant: MappingGrant | undefined
    const refusal = await this.#eachService(async service => {
      grant = await this.#mapPort(service, request, granted, options)
      this.#service = service

      return true
    })

    if (grant == null) {
      throw refusal
    }

    // another WAN connection has another address
    return this.#service === before ? grant : { ...grant, externalAddress: await this.#addressOf(this.#service, options) }
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

  /**
   * Try the services in turn, the one that worked last first, until one is enough.
   * Resolves to the first refusal.
   *
   * @throws {GatewayError} there is no time left
   */
  async #eachService (isEnough: (service: IGDService) => Promise<boolean>): Promise<GatewayError> {
    const last = this.#service
    let refusal: GatewayError | undefined

    for (const service of [last, ...this.#services.filter(other => other !== last)]) {
      try {
        if (await isEnough(service)) {
          break
        }
      } catch (err) {
        const error = toGatewayError(err)

        if (error.code === 'timeout') {
          throw error
        }

        refusal ??= error
      }
    }

    return refusal ?? new GatewayError('failed', 'The gateway has no WAN connection')
  }

  async #addressOf (service: IGDService, options: AbortOptions): Promise<string> {
    return textOf(await this.#callOn(service, 'GetExternalIPAddress', {}, options), 'NewExternalIPAddress') ?? ''
  }

  async #mapPort (service: IGDService, request: MappingRequest, granted: MappingGrant | undefined, options: AbortOptions): Promise<MappingGrant> {
    if (granted == null && this.protocol === 'igd2' && !this.#permanentOnly) {
      try {
        const answer = await this.#callOn(service, 'AddAnyPortMapping', this.#fullEntry(request, request.externalPort, request.lease), options)
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

    return this.#addPortMapping(service, request, granted?.externalPort ?? request.externalPort, options)
  }

  async #addPortMapping (service: IGDService, request: MappingRequest, wished: number, options: AbortOptions): Promise<MappingGrant> {
    const ports = [wished]
    let refusal: GatewayError | undefined

    for (let i = 0; i < this.#init.fallbackPorts; i++) {
      ports.push(this.#randomPort())
    }

    for (let i = 0; i < ports.length; i++) {
      try {
        return await this.#addPort(service, request, ports[i], options)
      } catch (err) {
        const error = toGatewayError(err)

        if (error.code === 'same-port-only' && ports[i] !== request.internalPort) {
          ports.splice(i + 1, ports.length, request.internalPort)
        } else if (error.code === 'conflict' || isVague(error)) {
          refusal ??= error
        } else {
          throw error
        }
      }
    }

    throw refusal ?? new GatewayError('conflict', 'Every port that was tried is taken')
  }

  /**
   * Map one port, for ever if the gateway does not know, or not want, leases that end
   */
  async #addPort (service: IGDService, request: MappingRequest, externalPort: number, options: AbortOptions): Promise<MappingGrant> {
    const add = async (lease: number): Promise<MappingGrant> => {
      await this.#callOn(service, 'AddPortMapping', this.#fullEntry(request, externalPort, lease), options)

      return { externalPort, lease }
    }

    if (!this.#permanentOnly) {
      try {
        return await add(request.lease)
      } catch (err) {
        const error = toGatewayError(err)

        if (error.code !== 'permanent-lease-only' && !isVague(error)) {
          throw error
        }
      }
    }

    const grant = await add(0)
    this.#permanentOnly = true

    return grant
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
    return this.#callOn(this.#service, action, args, options)
  }

  async #callOn (service: IGDService, action: string, args: Record<string, string | number>, options: AbortOptions & { localAddress?: string }): Promise<XMLElement> {
    return callSOAP(this.#init.network, service, action, args, options)
  }

  #randomPort (): number {
    const [from, to] = this.#init.fallbackRange

    return from + Math.floor(this.#init.random.next() * (to - from + 1))
  }
}

function isPort (port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 0xffff
}

/**
 * Whether a gateway refused for a reason that may be the port or the lease: it does not
 * say, or in a number that is in no standard
 */
function isVague ({ code, status }: GatewayError): boolean {
  return status === INVALID_ARGUMENTS || (code === 'failed' && status != null)
}
