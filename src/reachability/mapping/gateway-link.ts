import { anySignal } from 'any-signal'
import { isPublicIp } from '../../addresses/index.ts'
import { backOff } from '../agenda.ts'
import { discoverGateways } from '../gateway/discovery.ts'
import { GatewayError, toGatewayError } from '../gateway/gateway-client.ts'
import { IDLE_GATEWAY, isTrusted, nextGatewayState } from './gateway-state.ts'
import type { GatewayEvent, GatewayState, GatewayTimes } from './gateway-state.ts'
import type { MapperEnvironment } from './mapper-environment.ts'
import type { IPFamily } from '../../addresses/index.ts'
import type { GatewayInfo } from '../events.ts'
import type { GatewayClient } from '../gateway/gateway-client.ts'

// how long after a failure to look again, unless checks are even more frequent
const SUSPECT_INTERVAL = 1_000

/**
 * What the owner of a {@link GatewayLink} wants to know at once
 */
export interface GatewayLinkHandler {
  /**
   * The gateway is not trusted any more
   */
  onLost(): void

  /**
   * The external address is another one, or there is none any more
   */
  onExternalAddress(current: string | undefined): void
}

/**
 * The gateway of one IP family: whether there is one, how it is, and which
 * external address it has
 */
export class GatewayLink {
  /**
   * The valid external address, if there is one now
   */
  external?: string

  readonly #family: IPFamily
  readonly #env: MapperEnvironment
  readonly #handler: GatewayLinkHandler
  #state: GatewayState = IDLE_GATEWAY
  #found: GatewayClient[] = []
  #lastExternal?: string

  // how often in a row the gateway had no external address
  #outages = 0
  #resetsSeen = 0
  #current?: AbortController

  constructor (family: IPFamily, env: MapperEnvironment, handler: GatewayLinkHandler) {
    this.#family = family
    this.#env = env
    this.#handler = handler
  }

  /**
   * Those that answered the search, best first; empty while none is trusted
   */
  get clients (): GatewayClient[] {
    return isTrusted(this.#state) ? this.#found : []
  }

  get isSearching (): boolean {
    return this.#state.status === 'searching'
  }

  /**
   * When something is to be done, in ms
   */
  get wakeAt (): number {
    const at = this.#state.wakeAt ?? Infinity

    if (this.#outages === 0 || this.#state.status !== 'ready') {
      return at
    }

    // without an external address nothing works, so look more often
    const { checkInterval } = this.#env.options

    return at - checkInterval + backOff(this.#outages, { min: this.#times.suspectInterval, max: checkInterval })
  }

  /**
   * Whether a search ended without a gateway
   */
  get isMissing (): boolean {
    return this.#state.status === 'none'
  }

  get hasOutage (): boolean {
    return this.#outages > 0
  }

  get info (): GatewayInfo | undefined {
    const [client] = this.clients

    return client == null ? undefined : infoOf(client, this.external)
  }

  /**
   * Look for the gateway: at first, and when the network is another one
   */
  wantSearch (): void {
    this.#transition({ type: 'start' })
  }

  /**
   * Search now, from the beginning, if there is no gateway
   */
  hastenSearch (): void {
    if (this.#state.status === 'none') {
      this.#transition({ type: 'start' })
    }

    this.#current?.abort()
  }

  /**
   * Whether this is a gateway, or was one before it was lost
   */
  knows (host: string): boolean {
    return this.#found.some(client => client.host === host)
  }

  forget (): void {
    this.#state = IDLE_GATEWAY
    this.#found = []
    this.external = undefined
    this.#lastExternal = undefined
    this.#outages = 0
  }

  /**
   * Search if it is time to
   */
  async search (signal: AbortSignal): Promise<boolean> {
    const { network, clock, random, options, log } = this.#env
    const isDue = this.isSearching || (this.#state.status === 'none' && this.wakeAt <= clock.now())

    if (!isDue) {
      return false
    }

    this.#transition({ type: 'start' })
    log('searching a gateway for IPv%d', this.#family)
    this.#current = new AbortController()
    const either = anySignal([signal, this.#current.signal])
    const found = await discoverGateways({ family: this.#family, network, clock, random, options, signal: either })
    const wasHastened = this.#current.signal.aborted
    this.#current = undefined
    either.clear()

    if (signal.aborted || (wasHastened && found.length === 0)) {
      return false
    }

    if (found.length === 0) {
      log('there is no gateway for IPv%d', this.#family)
      this.#transition({ type: 'not-found' })
      return false
    }

    this.#found = found
    this.#resetsSeen = found[0].resets
    this.#transition({ type: 'found' })
    log('found the gateway %s, which speaks %s', found[0].host, found[0].protocol)
    this.#env.reports.gateway('gateway:found', infoOf(found[0], this.external))

    return true
  }

  /**
   * Ask for the external address. Resolves to whether the gateway answered.
   */
  async check (signal: AbortSignal): Promise<boolean> {
    const [client] = this.clients

    try {
      const told = await this.ask(client, signal, async options => client.externalAddress(options))
      const address = this.#env.options.externalAddress ?? told

      if (address != null) {
        this.learnExternal(address)
      }

      return true
    } catch (err) {
      return toGatewayError(err).status != null
    }
  }

  /**
   * Whether the gateway lost its state since this was asked last
   */
  takeReset (): boolean {
    const resets = this.clients[0]?.resets ?? 0
    const wasReset = resets !== this.#resetsSeen
    this.#resetsSeen = resets

    return wasReset
  }

  /**
   * Send a request, and learn from how it ends
   *
   * @throws {GatewayError}
   */
  async ask<T> (client: GatewayClient, signal: AbortSignal, run: (options: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    const timeout = new AbortController()
    const timer = this.#env.clock.setTimeout(() => {
      timeout.abort(new GatewayError('timeout', `${client.host} did not answer in time`))
    }, this.#env.options.requestTimeout)
    const either = anySignal([signal, timeout.signal])

    try {
      const answer = await run({ signal: either })
      this.#env.reports.request(client.protocol, 'ok')
      this.#transition({ type: 'answered' })

      return answer
    } catch (err) {
      const error = toGatewayError(err)
      this.#env.reports.request(client.protocol, error.code)

      if (!signal.aborted) {
        this.#learnFailure(error)
      }

      throw error
    } finally {
      timer.clear()
      either.clear()
    }
  }

  /**
   * Learn what the gateway says its external address is. Nothing but a
   * public address goes any further.
   */
  learnExternal (told: string): void {
    if (this.#family !== 4) {
      return
    }

    const current = isPublicIp(told, 4) ? told : undefined
    const previous = this.external
    this.#outages = current == null ? this.#outages + 1 : 0
    this.#env.reports.evidence(told, this.#lastExternal)

    if (current === previous) {
      return
    }

    const wasReplaced = this.#lastExternal != null
    this.external = current
    this.#lastExternal = current ?? this.#lastExternal
    this.#env.log('the external address changed from %s to %s', previous, current)
    this.#handler.onExternalAddress(current)

    // the first one is no change: nothing was connected through another
    if (wasReplaced) {
      this.#env.reports.externalAddress({ previous, current, family: 4 })
    }
  }

  get #times (): GatewayTimes {
    const { checkInterval, maxFailures, minBackOff, maxBackOff } = this.#env.options

    return {
      checkInterval,
      suspectInterval: Math.min(SUSPECT_INTERVAL, checkInterval),
      maxFailures,
      searchBackOff: { min: minBackOff, max: maxBackOff }
    }
  }

  #learnFailure (error: GatewayError): void {
    // who refuses is alive; nonsense and silence are not trusted for long
    if (error.status == null) {
      this.#transition({ type: 'failed', refused: error.code === 'unavailable' })
      return
    }

    this.#transition({ type: 'answered' })

    if (this.#env.options.externalAddress != null) {
      return
    }

    // a public address in a refusal is only the echo of what was wished for
    if (error.code === 'network-failure' || (error.externalAddress != null && !isPublicIp(error.externalAddress))) {
      this.learnExternal(isPublicIp(error.externalAddress) ? '' : error.externalAddress ?? '')
    }
  }

  #transition (event: GatewayEvent): void {
    const wasTrusted = isTrusted(this.#state)
    this.#state = nextGatewayState(this.#state, event, this.#env.clock.now(), this.#times)

    if (wasTrusted && !isTrusted(this.#state)) {
      this.#env.reports.gateway('gateway:lost', infoOf(this.#found[0], this.external))
      this.external = undefined
      this.#handler.onLost()
    }
  }
}

function infoOf (client: GatewayClient, externalAddress: string | undefined): GatewayInfo {
  return { protocol: client.protocol, host: client.host, family: client.family, externalAddress }
}

/**
 * Run something that may go on after `signal`, up to a deadline that is known by
 * then. The signal it gets is the one that counts.
 */
export async function untilDeadline<T> (signal: AbortSignal, getDeadline: () => AbortSignal | undefined, run: (last: AbortSignal) => Promise<T>): Promise<T> {
  const last = new AbortController()
  let deadline: AbortSignal | undefined
  const onDeadline = (): void => { last.abort() }
  const onStop = (): void => {
    deadline = getDeadline()
    deadline?.addEventListener('abort', onDeadline)

    if (deadline?.aborted !== false) {
      onDeadline()
    }
  }

  signal.addEventListener('abort', onStop)

  try {
    return await run(last.signal)
  } finally {
    signal.removeEventListener('abort', onStop)
    deadline?.removeEventListener('abort', onDeadline)
  }
}
