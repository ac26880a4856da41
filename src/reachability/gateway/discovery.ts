import { anySignal } from 'any-signal'
import { familyOf } from '../../addresses/index.ts'
import { GatewayError } from './gateway-client.ts'
import { IGDClient } from './igd-client.ts'
import { parseIGDDescription } from './igd-description.ts'
import { PCPClient } from './pcp.ts'
import { PMPClient, PORT_CONTROL_PORT } from './pmp.ts'
import { fetchDocument } from './soap.ts'
import { searchSSDP } from './ssdp.ts'
import type { GatewayClient } from './gateway-client.ts'
import type { IPFamily } from '../../addresses/index.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Network } from '../network/network.ts'
import type { MappingProtocol } from '../options.ts'
import type { ReachabilityOptions } from '../resolve-options.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * How long a protocol that comes first in the list is waited for when another
 * one has answered already, in ms
 */
export const PREFERENCE_GRACE = 500

const ALTERNATIVES_GRACE = 50
const RETRY_INTERVAL = 1_000

/**
 * What the search for gateways needs
 */
export interface Discovery extends AbortOptions {
  family: IPFamily
  network: Network
  clock: Clock
  random: Random
  options: ReachabilityOptions['mapping']
}

/**
 * Ask everything that may be a gateway in every protocol at once. Resolves to
 * those that answered, best protocol first; an empty list if nobody did in
 * time.
 */
export async function discoverGateways (discovery: Discovery): Promise<GatewayClient[]> {
  const { options, clock, family } = discovery
  const found: GatewayClient[] = []
  const done = new AbortController()
  const signal = anySignal([discovery.signal, done.signal])
  const settled = new Map<MappingProtocol, boolean>()
  const search = { ...discovery, signal }

  await new Promise<void>(resolve => {
    const deadline = clock.setTimeout(finish, options.discoveryTimeout)
    let grace = deadline

    function finish (): void {
      deadline.clear()
      grace.clear()
      discovery.signal?.removeEventListener('abort', finish)
      resolve()
    }

    // who speaks one protocol often speaks others, which may be allowed what this one is not
    function finishSoon (): void {
      grace.clear()
      grace = clock.setTimeout(finish, ALTERNATIVES_GRACE)
    }

    // whether nothing better than what was found can come any more
    const isSettled = (): boolean => {
      const best = Math.min(...found.map(client => options.protocols.indexOf(familyOfProtocol(client))))

      return options.protocols.every((protocol, index) => index >= best || settled.get(protocol) === true)
    }

    const onFound = (client: GatewayClient): void => {
      found.push(client)

      if (found.length === 1) {
        grace = clock.setTimeout(finish, PREFERENCE_GRACE)
      }

      if (isSettled()) {
        finishSoon()
      }
    }

    discovery.signal?.addEventListener('abort', finish)

    for (const protocol of options.protocols) {
      const onRound = (): void => {
        settled.set(protocol, true)

        if (found.length > 0 && isSettled()) {
          finishSoon()
        }
      }
      const run = protocol === 'upnp' ? findIGD(search, onFound) : findPortControl(search, protocol, onFound, onRound)

      run.catch(() => {}).finally(onRound)
    }

    if (options.protocols.length === 0 || (family === 6 && !options.ipv6Pinholes)) {
      finish()
    }
  })

  done.abort()
  signal.clear()

  return [...found].sort((a, b) => options.protocols.indexOf(familyOfProtocol(a)) - options.protocols.indexOf(familyOfProtocol(b)))
}

function familyOfProtocol ({ protocol }: GatewayClient): MappingProtocol {
  return protocol === 'igd1' || protocol === 'igd2' ? 'upnp' : protocol
}

async function findPortControl (discovery: Discovery, protocol: 'pcp' | 'pmp', onFound: (client: GatewayClient) => void, onRound: () => void): Promise<void> {
  const { family, network, clock, options, signal } = discovery

  if (protocol === 'pmp' && family === 6) {
    return
  }

  // a router that just restarts refuses first and answers soon
  while (signal?.aborted !== true) {
    const gateways = await network.defaultGateways()
    const hosts = [
      ...options.gateways.filter(gateway => familyOf(gateway) === family),
      ...gateways.filter(gateway => gateway.family === family).map(({ address }) => address)
    ]
    const answers = await Promise.all([...new Set(hosts)].map(async host => tryPortControl(discovery, protocol, host)))

    answers.filter(client => client != null).forEach(onFound)
    onRound()
    await new Promise<void>(resolve => { clock.setTimeout(resolve, RETRY_INTERVAL) })
  }
}

async function tryPortControl ({ network, clock, signal }: Discovery, protocol: 'pcp' | 'pmp', host: string): Promise<GatewayClient | undefined> {
  const init = { host, port: PORT_CONTROL_PORT, network, clock }
  const client = protocol === 'pcp' ? new PCPClient(init) : new PMPClient(init)

  try {
    await client.externalAddress({ signal })
  } catch (err) {
    // who refuses for want of an address of its own is there nevertheless
    if (!(err instanceof GatewayError) || err.code !== 'network-failure') {
      return undefined
    }
  }

  return client
}

async function findIGD (discovery: Discovery, onFound: (client: GatewayClient) => void): Promise<void> {
  const tryLocation = async (location: URL): Promise<void> => {
    try {
      onFound(await openIGD(discovery, location))
    } catch {
      // not a gateway, or not for this family
    }
  }
  const urls = discovery.options.gateways.filter(gateway => familyOf(gateway) == null)

  await Promise.all([
    ...urls.map(async url => tryLocation(new URL(url))),
    searchSSDP({ ...discovery, onLocation: location => { void tryLocation(location) } })
  ])
}

async function openIGD ({ family, network, random, options, signal, clock }: Discovery, location: URL): Promise<GatewayClient> {
  const timeout = new AbortController()
  const timer = clock.setTimeout(() => { timeout.abort() }, options.requestTimeout)
  const either = anySignal([signal, timeout.signal])

  try {
    const { body, localAddress } = await fetchDocument(network, location, { signal: either })

    return new IGDClient({
      description: parseIGDDescription(body, location),
      family,
      localAddress,
      label: options.description,
      fallbackPorts: options.fallbackPorts,
      fallbackRange: options.fallbackRange,
      network,
      random
    })
  } finally {
    timer.clear()
    either.clear()
  }
}
