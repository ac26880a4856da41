import { GatewayAnnouncements } from '../gateway/announcements.ts'
import { FamilyMapper } from './family-mapper.ts'
import type { MapperEnvironment } from './mapper-environment.ts'
import type { GatewayInfo, MappingInfo } from '../events.ts'

// what a gateway announces makes us ask it, but not more often than this
const ANNOUNCEMENT_INTERVAL = 500

/**
 * Keeps the ports of this node mapped by the gateways of the network it is in
 */
export class PortMapper {
  readonly #env: MapperEnvironment
  readonly #families: FamilyMapper[]
  readonly #announcements: GatewayAnnouncements
  #isStarted = false
  #isHearing = false
  #checkedAt = -Infinity
  #network = ''

  constructor (env: MapperEnvironment) {
    this.#env = env
    const watched: MapperEnvironment = {
      ...env,
      reports: {
        ...env.reports,
        gateway: (type, detail) => {
          this.#hear()
          env.reports.gateway(type, detail)
        }
      }
    }
    this.#families = [new FamilyMapper(4, watched), ...(env.options.ipv6Pinholes ? [new FamilyMapper(6, watched)] : [])]
    this.#announcements = new GatewayAnnouncements(env.network, host => { this.#onAnnouncement(host) })
  }

  /**
   * Look for gateways from now on
   */
  async start (): Promise<void> {
    if (this.#isStarted) {
      return
    }

    this.#isStarted = true
    this.#network = await this.#describeNetwork()
    this.#watchNetwork()
    this.#env.agenda.set('start', this.#env.clock.now() + this.#env.options.mapDelay, () => {
      this.#families.forEach(family => { family.start() })
    })
  }

  /**
   * Stop, and give back what was granted, as far as there is time for it
   */
  async stop (): Promise<void> {
    if (!this.#isStarted) {
      return
    }

    this.#isStarted = false
    this.#isHearing = false
    this.#env.agenda.delete('start')
    this.#env.agenda.delete('network')
    this.#announcements.stop()
    const deadline = new AbortController()
    const timer = this.#env.clock.setTimeout(() => { deadline.abort() }, this.#env.options.stopTimeout)

    try {
      await Promise.all(this.#families.map(async family => family.stop(deadline.signal)))
    } finally {
      timer.clear()
    }
  }

  /**
   * The listen addresses may have changed
   */
  update (): void {
    if (this.#isStarted) {
      this.#env.agenda.hasten('listen-addresses', this.#env.clock.now() + this.#env.options.debounce, () => {
        this.#families.forEach(family => { family.run() })
      })
    }
  }

  /**
   * Ask the gateways how they are
   */
  refresh (): void {
    this.#families.forEach(family => { family.check() })
  }

  getGateways (): GatewayInfo[] {
    return this.#families.map(({ gateway }) => gateway).filter(gateway => gateway != null)
  }

  /**
   * Whether the search for a gateway ended without one
   */
  get isMissing (): boolean {
    return this.#families[0].isMissing
  }

  getMappings (): MappingInfo[] {
    return this.#families.flatMap(family => family.getMappings())
  }

  /**
   * There is a gateway: from now on it is worth listening to
   */
  #hear (): void {
    if (this.#isStarted && !this.#isHearing && this.#env.options.announcements) {
      this.#isHearing = true
      this.#announcements.start().catch(err => { this.#env.log('cannot hear what gateways announce - %e', err) })
    }
  }

  #onAnnouncement (host: string): void {
    const family = this.#families.find(family => family.isGateway(host))

    if (family == null) {
      return
    }

    // the last one of a burst counts, too
    this.#env.agenda.hasten('announcement', Math.max(this.#env.clock.now(), this.#checkedAt + ANNOUNCEMENT_INTERVAL), () => {
      this.#checkedAt = this.#env.clock.now()
      this.refresh()
    })
  }

  #watchNetwork (): void {
    this.#env.agenda.set('network', this.#env.clock.now() + this.#env.options.checkInterval, async () => {
      const network = await this.#describeNetwork()

      if (!this.#isStarted) {
        return
      }

      if (network !== this.#network) {
        this.#env.log('the network is another one')
        this.#network = network
        this.#families.forEach(family => { family.rediscover() })
      }

      this.#watchNetwork()
    })
  }

  async #describeNetwork (): Promise<string> {
    const gateways = await this.#env.network.defaultGateways()
    const interfaces = this.#env.network.interfaceAddresses()
      // IPv6 addresses for privacy come and go
      .filter(({ family, internal }) => family === 4 && !internal)

    return [...gateways, ...interfaces].map(({ address }) => address).sort().join()
  }
}
