import { isPublicIp } from '../../addresses/index.ts'
import { GatewayError, toGatewayError } from '../gateway/gateway-client.ts'
import { GatewayLink, untilDeadline } from './gateway-link.ts'
import { isMapped, nextMappingState } from './mapping-state.ts'
import { mappingInfo, mappingKey, newMapping, wantedMappings } from './mapping.ts'
import type { MapperEnvironment } from './mapper-environment.ts'
import type { MappingEvent, MappingTimes } from './mapping-state.ts'
import type { Mapping } from './mapping.ts'
import type { IPFamily } from '../../addresses/index.ts'
import type { GatewayInfo, MappingInfo } from '../events.ts'
import type { GatewayClient, MappingGrant } from '../gateway/gateway-client.ts'

// a gateway that grants next to nothing is not asked all the time
const MIN_RENEWAL = 10_000

/**
 * Keeps the ports of this node mapped by the gateway of one IP family. Requests
 * are made one after the other.
 */
export class FamilyMapper {
  readonly family: IPFamily
  readonly #env: MapperEnvironment
  readonly #link: GatewayLink
  readonly #mappings = new Map<string, Mapping>()
  #abort?: AbortController

  // a request for a mapping is only given up when there is no time left: what
  // it is granted could not be given back
  #deadline?: AbortSignal
  #running?: Promise<void>

  // something happened while a step was running
  #isStale = false

  // somebody said that the gateway changed
  #wantsCheck = false
  #entriesCheckedAt = 0

  constructor (family: IPFamily, env: MapperEnvironment) {
    this.family = family
    this.#env = env
    this.#link = new GatewayLink(family, env, {
      onLost: () => {
        this.#isStale = true
        this.#loseAll(() => true)
      },
      onExternalAddress: current => {
        this.#loseAll(({ announced }) => announced?.host !== current)
      }
    })
  }

  start (): void {
    this.#abort ??= new AbortController()
    this.rediscover()
  }

  /**
   * Forget everything, and give back what was granted while `signal` allows
   */
  async stop (signal: AbortSignal): Promise<void> {
    this.#deadline = signal
    this.#abort?.abort()
    this.#abort = undefined
    this.#env.agenda.delete(this.#jobName)
    await this.#running
    this.#deadline = undefined
    await Promise.all([...this.#mappings.values()].map(async mapping => this.#remove(mapping, signal)))
    this.#mappings.clear()
    this.#link.forget()
    this.#entriesCheckedAt = 0
    this.#wantsCheck = false
  }

  /**
   * Look for the gateway again: the network is another one
   */
  rediscover (): void {
    if (!this.#link.isSearching) {
      this.#link.wantSearch()
    }

    this.run()
  }

  /**
   * See what the gateway says now, and whether it still has our mappings
   */
  check (): void {
    this.#wantsCheck = true
    this.#link.hastenSearch()
    this.run()
  }

  /**
   * See whether there is something to do: the listen addresses changed, say
   */
  run (): void {
    if (this.#abort == null) {
      return
    }

    if (this.#running != null) {
      this.#isStale = true
      return
    }

    const { signal } = this.#abort
    this.#running = this.#loop(signal)
      .catch(err => { this.#env.log.error('mapping ports failed - %e', err) })
      .finally(() => {
        this.#running = undefined

        if (!signal.aborted) {
          this.#schedule()
        }
      })
  }

  get isMissing (): boolean {
    return this.#link.isMissing
  }

  get gateway (): GatewayInfo | undefined {
    return this.#link.info
  }

  getMappings (): MappingInfo[] {
    return [...this.#mappings.values()].map(mappingInfo)
  }

  isGateway (host: string): boolean {
    return this.#link.knows(host)
  }

  get #jobName (): string {
    return `mapper-ip${this.family}`
  }

  async #loop (signal: AbortSignal): Promise<void> {
    do {
      this.#isStale = false
      await this.#step(signal)
    } while (this.#isStale && !signal.aborted)
  }

  async #step (signal: AbortSignal): Promise<void> {
    const isNew = await this.#link.search(signal)

    if (this.#link.clients.length > 0 && (isNew || this.#wantsCheck || this.#link.wakeAt <= this.#env.clock.now())) {
      const isForced = this.#wantsCheck
      this.#wantsCheck = false

      if (await this.#link.check(signal) && this.#link.clients.length > 0) {
        await this.#checkEntries(this.#link.clients[0], isForced, signal)
      }
    }

    if (signal.aborted || this.#link.clients.length === 0) {
      return
    }

    await this.#syncTargets(signal)

    for (const mapping of this.#mappings.values()) {
      if (isMapped(mapping.state) && (mapping.state.expiresAt ?? Infinity) <= this.#env.clock.now()) {
        this.#lose(mapping, 'expired')
      }

      if (!signal.aborted && this.#link.clients.length > 0 && this.#wakeAt(mapping) <= this.#env.clock.now()) {
        await this.#request(mapping, signal)
      }
    }
  }

  /**
   * Whether the gateway still has what it granted
   */
  async #checkEntries (client: GatewayClient, isForced: boolean, signal: AbortSignal): Promise<void> {
    const now = this.#env.clock.now()
    const isDue = isForced || now - this.#entriesCheckedAt >= this.#env.options.entryCheckInterval

    if (this.#link.takeReset()) {
      this.#env.log('the gateway %s lost its state', client.host)
      this.#loseAll(() => true)
    }

    if (isDue) {
      this.#entriesCheckedAt = now
    }

    for (const mapping of this.#mappings.values()) {
      const { request, state } = mapping
      const { grant } = state

      if (!isMapped(state) || grant == null) {
        // it may be granted what it was refused before
        if (isForced || (this.#link.hasOutage && client.protocol === 'pcp')) {
          mapping.state = { ...state, wakeAt: now }
        }
      } else if (client.protocol === 'pcp') {
        // only a mapping's answer tells the external address
        await this.#request(mapping, signal, true)
      } else if (isDue) {
        try {
          if (await this.#link.ask(client, signal, async options => client.isMapped(request, grant, options)) === false) {
            this.#lose(mapping, 'lost')
          }
        } catch (err) {
          this.#env.log('could not ask %s for a mapping - %e', client.host, err)
        }
      }
    }
  }

  async #syncTargets (signal: AbortSignal): Promise<void> {
    const wanted = new Map(wantedMappings(this.#env.listening(), this.#link.clients[0]).map(address => [mappingKey(address), address]))

    for (const [key, mapping] of this.#mappings) {
      if (!wanted.has(key)) {
        this.#mappings.delete(key)
        await this.#remove(mapping, signal)
      }
    }

    for (const [key, address] of wanted) {
      if (!this.#mappings.has(key)) {
        this.#mappings.set(key, newMapping(address, this.#env.options.lease))
      }
    }
  }

  /**
   * When to ask for a mapping, in ms
   */
  #wakeAt ({ state }: Mapping): number {
    // without an external address a mapping is of no use, and some never end; PCP tells it along with a mapping
    if (this.family === 4 && this.#link.external == null && this.#link.clients[0]?.protocol !== 'pcp') {
      return Infinity
    }

    return state.wakeAt ?? (state.status === 'mapped' ? Infinity : 0)
  }

  /**
   * Ask for a mapping or for a new lease; a check does so before it is due
   */
  async #request (mapping: Mapping, signal: AbortSignal, isCheck = false): Promise<void> {
    this.#apply(mapping, { type: 'request' })
    let error = new GatewayError('failed', 'There is no gateway')

    for (const client of this.#link.clients) {
      try {
        const { grant } = mapping.state
        // the port is kept from one gateway to the next; only the one that gave a token knows it
        const isSame = mapping.client?.protocol === client.protocol && mapping.client.host === client.host
        const previous = isSame || grant == null ? grant : { ...grant, token: undefined }
        const answer = await untilDeadline(signal, () => this.#deadline, async last => this.#link.ask(client, last, async options => client.map(mapping.request, previous, options)))
        await this.#accept(mapping, client, answer, isCheck, signal)

        return
      } catch (err) {
        error = toGatewayError(err)

        // another protocol may be allowed what this one is not; anything else would fail there, too
        if (signal.aborted || (error.code !== 'unsupported' && error.code !== 'not-authorized')) {
          break
        }
      }
    }

    if (signal.aborted) {
      return
    }

    this.#env.log('mapping %s port %d failed: %s', mapping.request.protocol, mapping.request.internalPort, error.message)
    this.#apply(mapping, { type: 'refused' })

    if (!isMapped(mapping.state)) {
      this.#unannounce(mapping)
    }

    this.#env.reports.mappingFailed({ ...mappingInfo(mapping), error })
  }

  /**
   * @throws {GatewayError} what was granted is of no use
   */
  async #accept (mapping: Mapping, client: GatewayClient, grant: MappingGrant, isCheck: boolean, signal: AbortSignal): Promise<void> {
    const { request } = mapping

    if (grant.externalAddress != null && this.#env.options.externalAddress == null) {
      this.#link.learnExternal(grant.externalAddress)
    }

    const host = this.family === 6 ? grant.externalAddress ?? request.internalAddress : this.#link.external

    if (!isPublicIp(host, this.family) || grant.externalPort < 1) {
      // do not leave behind what nobody uses
      await this.#link.ask(client, signal, async options => client.unmap(request, grant, options)).catch(() => {})
      throw new GatewayError('private-address', `The gateway forwards from ${grant.externalAddress} port ${grant.externalPort}`, { externalAddress: grant.externalAddress })
    }

    const { announced } = mapping
    const isSame = announced?.host === host && announced.port === grant.externalPort
    mapping.client = client
    this.#apply(mapping, { type: 'granted', grant })

    if (!isSame) {
      this.#unannounce(mapping)
      mapping.announced = { host, port: grant.externalPort }
      this.#env.reports.mapped(request, mapping.announced)
      this.#env.reports.mapping(announced == null ? 'mapping:added' : 'mapping:changed', mappingInfo(mapping))
    } else if (!isCheck) {
      this.#env.reports.mapping('mapping:renewed', mappingInfo(mapping))
    }
  }

  async #remove (mapping: Mapping, signal: AbortSignal): Promise<void> {
    const { client, request, state: { grant } } = mapping
    const info = mappingInfo(mapping)
    const wasMapped = isMapped(mapping.state)

    if (client != null && grant != null && wasMapped && this.#env.options.unmapOnStop) {
      await this.#link.ask(client, signal, async options => client.unmap(request, grant, options))
        .catch(err => { this.#env.log('could not unmap %s port %d - %e', request.protocol, request.internalPort, err) })
    }

    this.#unannounce(mapping)
    this.#apply(mapping, { type: 'removed' })

    if (wasMapped) {
      this.#env.reports.mapping('mapping:removed', { ...info, state: 'removed' })
    }
  }

  #loseAll (which: (mapping: Mapping) => boolean): void {
    for (const mapping of this.#mappings.values()) {
      if (isMapped(mapping.state) && which(mapping)) {
        this.#lose(mapping, 'lost')
      }
    }
  }

  #lose (mapping: Mapping, type: 'lost' | 'expired'): void {
    const info = mappingInfo(mapping)
    this.#unannounce(mapping)
    this.#apply(mapping, { type })
    this.#env.reports.mapping('mapping:lost', { ...info, state: 'lost' })
  }

  #unannounce (mapping: Mapping): void {
    const { announced } = mapping

    if (announced != null) {
      mapping.announced = undefined
      this.#env.reports.unmapped(mapping.request, announced)
    }
  }

  #apply (mapping: Mapping, event: MappingEvent): void {
    const { renewAt, minBackOff, maxBackOff } = this.#env.options
    const times: MappingTimes = { renewAt, minRenewal: MIN_RENEWAL, retryBackOff: { min: minBackOff, max: maxBackOff } }

    mapping.state = nextMappingState(mapping.state, event, this.#env.clock.now(), times)
  }

  #schedule (): void {
    const times = this.#link.clients.length === 0
      ? []
      : [...this.#mappings.values()].flatMap(mapping => [this.#wakeAt(mapping), isMapped(mapping.state) ? mapping.state.expiresAt ?? Infinity : Infinity])
    const at = Math.min(this.#link.wakeAt, ...times)

    if (at !== Infinity) {
      this.#env.agenda.set(this.#jobName, at, () => { this.run() })
    }
  }
}
