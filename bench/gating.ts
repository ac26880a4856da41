/**
 * What it costs to decide about an inbound connection on a node with 100 000
 * connections and as many bans.
 *
 * Run with `node bench/gating.ts`
 */

import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { IpAddress, prefixNetwork, remoteIp } from '../src/addresses/index.ts'
import { AdmissionPipeline, AllowList, LoadMonitor, chooseEviction, pendingLimits } from '../src/admission/index.ts'
import { systemClock } from '../src/clock.ts'
import { ConnectionEntry } from '../src/core/index.ts'
import { DiscouragedList, banList, cidrSet } from '../src/gating/index.ts'
import { systemRandom } from '../src/random.ts'
import { defaultSubnetLimits, resourceManager, scaleLimits } from '../src/resources/index.ts'
import { DecisionLog } from '../src/wiring/decisions.ts'
import { Figures } from './figures.ts'
import { median } from './measure.ts'
import type { TransportKind } from '../src/addresses/index.ts'
import type { EvictionCandidate } from '../src/admission/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const BANS = 100_000
const CONNECTIONS = 100_000
const CANDIDATES = 10_000
const ROUNDS = 9
const PER_ROUND = 20_000

// an address is not long in memory when its connection is decided about
const PER_BATCH = 500
const BATCHES = 20

// the same in each run
let state = 42

function random (): number {
  state = (state + 0x6d2b79f5) >>> 0
  const mixed = Math.imul(state ^ (state >>> 15), state | 1)
  const again = mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61))

  return (again ^ (again >>> 14)) >>> 0
}

function randomIp (): IpAddress {
  return random() % 2 === 0
    ? new IpAddress(4, [random()])
    : new IpAddress(6, [(0x2a000000 | (random() >>> 8)) >>> 0, random(), random(), random()])
}

function randomPrefix (): string {
  const ip = randomIp()
  const lengths = ip.family === 4 ? [16, 20, 22, 24, 28, 32, 32, 32] : [32, 40, 48, 56, 64, 64, 112, 128]
  const bits = lengths[random() >>> 29]

  return `${prefixNetwork(ip, bits).text}/${bits}`
}

function addressOf (ip: IpAddress): Multiaddr {
  return multiaddr(`/ip${ip.family}/${ip.text}/tcp/4001`)
}

const figures = new Figures()

/**
 * Times `run`, which returns what it took per operation
 */
function report (name: string, target: number, unit: 'µs' | 'ms', run: () => number): void {
  const samples = Array.from({ length: ROUNDS + 2 }, run).slice(2)
  figures.add({ name, unit, target, measured: median(samples) })
}

function perOperation (count: number, run: (index: number) => void): number {
  const start = performance.now()

  for (let i = 0; i < count; i++) {
    run(i)
  }

  return (performance.now() - start) * 1000 / count
}

const bans = banList({ logger: defaultLogger() }, { maxEntries: BANS })

while (bans.size < BANS) {
  await bans.ban(randomPrefix())
}

const ips = Array.from({ length: PER_ROUND * ROUNDS }, randomIp)
let hits = 0
let offset = 0

report(`look-up of an address among ${bans.size} banned ranges`, 2, 'µs', () => {
  offset = (offset + PER_ROUND) % ips.length

  return perOperation(PER_ROUND, i => {
    hits += bans.ofIp(ips[offset + i]) == null ? 0 : 1
  })
})

const addresses = ips.slice(0, PER_ROUND).map(addressOf)

report('the IP address of a multiaddr', 1, 'µs', () => perOperation(PER_ROUND, i => {
  hits += remoteIp(addresses[i])?.family ?? 0
}))

const resources = resourceManager({
  limits: {
    system: { connections: 'unlimited', connectionsInbound: 'unlimited', fileDescriptors: 'unlimited' },
    transient: { connections: 'unlimited', connectionsInbound: 'unlimited', fileDescriptors: 'unlimited' }
  },
  defaults: scaleLimits(8 * 2 ** 30, 1_000_000)
})
let open = 0
const load = new LoadMonitor({ clock: systemClock })
const discouraged = new DiscouragedList()

for (let i = 0; i < 50_000; i++) {
  discouraged.addIp(randomIp())
}

const pipeline = new AdmissionPipeline({
  clock: systemClock,
  connectionCount: () => open,
  entries: () => [],
  giveBack: () => {},
  evictionCandidates: () => [],
  evict: () => {},
  resources,
  bans,
  discouraged,
  load,
  deny: cidrSet(Array.from({ length: 100 }, randomPrefix)),
  allowList: new AllowList(Array.from({ length: 100 }, randomPrefix)),
  random: systemRandom,
  dialBacks: { has: () => false, take: () => {} },
  isTrusted: () => false,
  hostRate: { take: () => undefined },
  self: '',
  realms: { makeRoomFor: () => {} },
  onRefuse: () => {}
}, {
  maxConnections: 10 * CONNECTIONS,
  maxPending: 10 * CONNECTIONS,
  pending: pendingLimits(10 * CONNECTIONS),
  subnets: defaultSubnetLimits(),
  rates: defaultSubnetLimits().rates
})
pipeline.start()

while (open < CONNECTIONS) {
  const entry = newcomer(addressOf(randomIp()))

  if (pipeline.admit(entry) == null) {
    pipeline.upgraded(entry)
    open++
  }
}

/**
 * The record of a connection that comes in
 */
function newcomer (remoteAddr: Multiaddr): ConnectionEntry {
  return new ConnectionEntry('accepted', remoteAddr, false)
}

/**
 * Addresses that are new, as those of newcomers are
 */
function newcomers (family: number, count: number): Multiaddr[] {
  const addresses: Multiaddr[] = []

  while (addresses.length < count) {
    const ip = randomIp()

    if (ip.family === family) {
      addresses.push(addressOf(ip))
    }
  }

  return addresses
}

for (const family of [4, 6]) {
  report(`admission and release of an IPv${family} address at ${CONNECTIONS} connections`, 5, 'µs', () => {
    let took = 0

    for (let batch = 0; batch < BATCHES; batch++) {
      const incoming = newcomers(family, PER_BATCH)

      took += perOperation(PER_BATCH, i => {
        const entry = newcomer(incoming[i])

        if (pipeline.admit(entry) == null) {
          entry.giveBack(() => {})
        }
      })
    }

    return took / BATCHES
  })
}

const flood = Array.from({ length: PER_ROUND }, () => addressOf(new IpAddress(4, [0xcb007107])))

report('refusal of an address that connects too often', 5, 'µs', () => perOperation(PER_ROUND, i => {
  hits += pipeline.admit(newcomer(flood[i])) == null ? 1 : 0
}))

const decisions = new DecisionLog(systemClock)

report('noting that an address was refused', 2, 'µs', () => {
  let took = 0

  for (let batch = 0; batch < BATCHES; batch++) {
    const incoming = newcomers(4, PER_BATCH)
    took += perOperation(PER_BATCH, i => { decisions.add('refuse', { address: incoming[i], reason: 'rate', details: { scope: 'system' } }) })
  }

  return took / BATCHES
})

const transports: TransportKind[] = ['tcp', 'tcp', 'tcp', 'quic-v1', 'quic-v1', 'ws', 'wss', 'webrtc']

const candidates = Array.from({ length: CANDIDATES }, (_, i): EvictionCandidate => ({
  id: String(i),
  group: `${random() >>> 24}.${(random() >>> 24) & 0x0f}.0.0/16`,
  rtt: random() >>> 20,
  lastUseful: random() >>> 10,
  value: random() >>> 25,
  opened: random() >>> 10,
  transport: transports[random() >>> 29],
  isDiscouraged: false
}))

report(`choosing whom to evict among ${CANDIDATES}`, 10, 'ms', () => {
  const start = performance.now()
  hits += chooseEviction(candidates, [1, 2]) == null ? 0 : 1

  return performance.now() - start
})

load.stop()

// so that nothing that was measured is optimised away
if (hits === 0) {
  throw new Error('Nothing was found')
}

figures.print()
