import { expect } from 'aegir/chai'
import { defaultMaxPending } from '../src/admission/options.ts'
import { resolveConfig } from '../src/config.ts'
import { MAX_CONNECTIONS, MAX_PARALLEL_DIALS } from '../src/constants.ts'
import { machine } from '../src/resources/index.ts'
import type { ConnectionManagerConfig } from '../src/config.ts'
import type { ConnectionManagerInit } from '../src/index.ts'
import type { TrimmingInit } from '../src/trimming/index.ts'
import type { Libp2pOptions } from 'libp2p'

/**
 * The options of libp2p's own connection manager
 */
type UpstreamInit = NonNullable<Libp2pOptions['connectionManager']>

/**
 * What an option may be
 *
 * - `count` a number from 0
 * - `positive` a number from 1
 * - `duration` a number of ms from 0
 */
type Kind = 'count' | 'positive' | 'duration' | 'strings' | 'function' | 'object' | 'flag'

interface Option {
  readonly kind: Kind

  /**
   * What it is when it is not given. Nothing for options that have no default
   * here: the rest of the manager has one, or libp2p.
   */
  readonly default?: unknown
}

const noop = (): undefined => undefined

const options: Record<keyof UpstreamInit | keyof TrimmingInit | 'strict', Option> = {
  maxConnections: { kind: 'positive', default: MAX_CONNECTIONS },
  highWater: { kind: 'positive', default: MAX_CONNECTIONS },
  lowWater: { kind: 'count', default: MAX_CONNECTIONS * 0.8 },
  gracePeriod: { kind: 'duration', default: 60_000 },
  silencePeriod: { kind: 'duration', default: 10_000 },
  valueOf: { kind: 'function' },
  selectVictims: { kind: 'function' },
  reputation: { kind: 'object', default: { size: 10_000, ttl: 3_600_000 } },
  realmSettings: { kind: 'object', default: new Map() },
  allow: { kind: 'strings', default: [] },
  deny: { kind: 'strings', default: [] },
  maxIncomingPendingConnections: { kind: 'count', default: defaultMaxPending(machine()) },
  inboundConnectionThreshold: { kind: 'count', default: 5 },
  addressSorter: { kind: 'function' },
  maxParallelDials: { kind: 'positive', default: MAX_PARALLEL_DIALS },
  maxDialQueueLength: { kind: 'count', default: 500 },
  maxPeerAddrsToDial: { kind: 'count', default: 25 },
  dialTimeout: { kind: 'duration', default: 10_000 },
  addressDialTimeout: { kind: 'duration', default: 6_000 },
  connectionCloseTimeout: { kind: 'duration', default: 1_000 },
  inboundUpgradeTimeout: { kind: 'duration' },
  outboundStreamProtocolNegotiationTimeout: { kind: 'duration' },
  inboundStreamProtocolNegotiationTimeout: { kind: 'duration' },
  resolvers: { kind: 'object' },
  reconnectRetries: { kind: 'count', default: 5 },
  reconnectRetryInterval: { kind: 'duration', default: 1_000 },
  reconnectBackoffFactor: { kind: 'count', default: 2 },
  maxParallelReconnects: { kind: 'positive', default: 5 },
  strict: { kind: 'flag' }
}

const accepted: Record<Kind, unknown> = {
  count: 0,
  positive: 1,
  duration: 0,
  strings: [],
  function: noop,
  object: {},
  flag: false
}

const notANumber: unknown[] = [NaN, -1, -Infinity, '5', true, {}, [], noop]

const refused: Record<Kind, unknown[]> = {
  count: notANumber,
  positive: [0, ...notANumber],
  duration: notANumber,
  strings: ['/ip4/192.0.2.1', [5], [null], {}, 5, noop],
  function: [5, 'function', {}, [], true],
  object: [5, 'object', [], true, noop],
  flag: [0, 'true', {}, [], noop]
}

/**
 * Reads an option of the configuration, whatever its name
 */
function read (config: ConnectionManagerConfig, name: string): unknown {
  return Object.hasOwn(config, name) ? Reflect.get(config, name) : undefined
}

describe('config', () => {
  for (const [name, option] of Object.entries(options)) {
    describe(name, () => {
      const isPassedOn = !(/strict|inboundUpgradeTimeout|StreamProtocolNegotiationTimeout/).test(name)

      it(`is ${option.default == null ? 'left out' : JSON.stringify(option.default)} by default`, () => {
        expect(read(resolveConfig(), name)).to.deep.equal(option.default)
      })

      it('may be null, or undefined, for not given', () => {
        expect(read(resolveConfig({ [name]: undefined }), name) ?? undefined).to.deep.equal(option.default)
        expect(read(resolveConfig({ [name]: null }), name) ?? undefined).to.deep.equal(option.default)
      })

      it('is what it is given', () => {
        const value = accepted[option.kind]

        // the low watermark has to be below what it is given here
        const config = resolveConfig({ lowWater: 0, [name]: value })

        expect(config.init).to.have.property(name, value)

        if (isPassedOn && option.kind !== 'object') {
          expect(read(config, name)).to.equal(value)
        }
      })

      for (const value of refused[option.kind]) {
        it(`may not be ${describeValue(value)}`, () => {
          expect(() => resolveConfig({ [name]: value })).to.throw(`"${name}"`)
            .that.deep.includes({ name: 'InvalidParametersError', option: name, value })
        })
      }
    })
  }

  describe('options of libp2p\'s own connection manager', () => {
    it('can be passed unchanged', () => {
      const upstream: UpstreamInit = {
        maxConnections: 100,
        maxParallelDials: 10,
        dialTimeout: 5_000,
        allow: ['/ip4/192.0.2.0/ipcidr/24'],
        deny: [],
        addressSorter: () => 0,
        resolvers: { dnsaddr: { canResolve: () => false, resolve: async () => [] } }
      }

      // the compiler checks this line
      const ours: ConnectionManagerInit = upstream

      expect(resolveConfig(ours)).to.deep.include({ maxConnections: 100, highWater: 100, lowWater: 80, maxParallelDials: 10, dialTimeout: 5_000 })
    })
  })

  describe('an error', () => {
    it('names the option and the value', () => {
      expect(() => resolveConfig({ dialTimeout: -5 })).to.throw('"dialTimeout" must be a number of ms of at least 0, got -5')
      // @ts-expect-error not what the type says
      expect(() => resolveConfig({ maxConnections: '300' })).to.throw('"maxConnections" must be a number of at least 1, got "300"')
    })

    it('names options that contradict each other', () => {
      expect(() => resolveConfig({ lowWater: 20, highWater: 10 })).to.throw('"lowWater" must be at most highWater (10), got 20')
        .with.property('name', 'InvalidParametersError')
      expect(() => resolveConfig({ highWater: 20, maxConnections: 10 })).to.throw('"highWater" must be at most maxConnections (10), got 20')
      expect(() => resolveConfig({ lowWater: 20, maxConnections: 10 })).to.throw('"lowWater" must be at most highWater (10), got 20')
    })

    it('names options within options', () => {
      expect(() => resolveConfig({ reputation: { size: NaN } })).to.throw('"reputation.size" must be a number of at least 0, got NaN')
      expect(() => resolveConfig({ reputation: { ttl: -1 } })).to.throw('"reputation.ttl"')
      // @ts-expect-error not what the type says
      expect(() => resolveConfig({ reputation: { tll: 1 } })).to.throw('"reputation.tll"')
    })

    for (const init of [null, 5, 'options', [], noop]) {
      it(`tells that ${describeValue(init)} is no configuration`, () => {
        // @ts-expect-error not what the type says
        expect(() => resolveConfig(init)).to.throw('"connectionManager" must be an object').with.property('name', 'InvalidParametersError')
      })
    }
  })

  describe('unknown options', () => {
    it('are ignored', () => {
      // @ts-expect-error not what the type says
      expect(resolveConfig({ maxConections: -1 }).maxConnections).to.equal(MAX_CONNECTIONS)
    })

    it('are refused in strict mode', () => {
      // @ts-expect-error not what the type says
      expect(() => resolveConfig({ maxConections: 5, strict: true })).to.throw('"maxConections" must be left out, as there is no such option (did you mean "maxConnections"?), got 5')
        .with.property('name', 'InvalidParametersError')
      expect(() => resolveConfig({ ['toString' as string]: noop, strict: true })).to.throw('"toString"')
    })

    it('are what strict mode is about: all others may be given', () => {
      const known = Object.fromEntries(Object.entries(options).map(([name, { kind }]) => [name, accepted[kind]]))

      expect(() => resolveConfig({ ...known, lowWater: 0, strict: true })).to.not.throw()
    })
  })

  it('does not take the valueOf that every object has for an option', () => {
    expect(resolveConfig({}).valueOf).to.be.undefined()
    expect(resolveConfig({ maxConnections: 5 })).to.have.own.property('valueOf', undefined)
  })

  it('takes parts of the reputation', () => {
    expect(resolveConfig({ reputation: { ttl: 5 } }).reputation).to.deep.equal({ size: 10_000, ttl: 5 })
  })

  it('never trims when told so', () => {
    expect(resolveConfig({ highWater: Infinity })).to.deep.include({ highWater: Infinity, maxConnections: Infinity })
    expect(resolveConfig({ highWater: Infinity, maxConnections: 100 })).to.deep.include({ highWater: Infinity, maxConnections: 100 })
  })

  const contradictions: Array<[string, ConnectionManagerInit, string]> = [
    ['a high watermark above the limit of the system', { highWater: 300, limits: { system: { connections: 256 } } }, '"highWater" must be at most limits.system.connections (256), got 300'],
    ['a high watermark above the limits of both directions', { highWater: 30, limits: { system: { connectionsInbound: 16, connectionsOutbound: 8 } } }, '"highWater" must be at most limits.system.connectionsInbound and limits.system.connectionsOutbound together (24), got 30'],
    ['a low watermark above the limit of the system', { maxConnections: 300, lowWater: 280, limits: { system: { connections: 256 } } }, '"lowWater" must be at most limits.system.connections (256), got 280'],
    ['a target that leaves no place for what realms reserve', { outbound: { target: 9 }, limits: { system: { connections: 12 }, realms: { chain: { reserved: 4 } } } }, '"outbound.target" must be at most limits.system.connections without what realms reserve (8), got 9'],
    ['a target above the limit of outbound connections', { outbound: { target: 9 }, limits: { system: { connectionsOutbound: 8 } } }, '"outbound.target" must be at most limits.system.connectionsOutbound (8), got 9'],
    ['a watermark of a realm above its limit', { realmSettings: { chain: { highWater: 65 } }, limits: { realms: { chain: { connections: 64 } } } }, '"realmSettings.chain.highWater" must be at most limits.realms.chain.connections (64), got 65'],
    ['a watermark of a realm above the limit of the system', { realmSettings: { chain: { highWater: 65 } }, limits: { system: { connections: 64 } } }, '"realmSettings.chain.highWater" must be at most limits.system.connections (64), got 65'],
    ['a watermark of a realm below its reserve', { realmSettings: { chain: { highWater: 8 } }, limits: { realms: { chain: { reserved: 16 } } } }, '"realmSettings.chain.highWater" must be at least limits.realms.chain.reserved (16), got 8']
  ]

  for (const [what, init, message] of contradictions) {
    it(`refuses ${what} and names both`, () => {
      expect(() => resolveConfig(init)).to.throw().with.property('message', message)
    })
  }

  it('accepts watermarks that limits allow, or that are switched off', () => {
    expect(resolveConfig({ highWater: 256, lowWater: 200, limits: { system: { connections: 256 } } })).to.include({ highWater: 256, lowWater: 200 })
    expect(resolveConfig({ highWater: Infinity, limits: { system: { connections: 8 } } })).to.include({ highWater: Infinity })
    expect(resolveConfig({ highWater: 20, limits: { system: { connections: 'unlimited' } } })).to.include({ highWater: 20 })
    expect(resolveConfig({ highWater: 20, limits: false })).to.include({ highWater: 20 })
  })

  it('refuses a target of outbound connections that trimming would undo', () => {
    expect(() => resolveConfig({ highWater: 10, outbound: { target: 11 } }))
      .to.throw().with.property('message', '"outbound.target" must be at most highWater (10), got 11')
    expect(resolveConfig({ highWater: 10, outbound: { target: 10 } }).highWater).to.equal(10)
  })
})

function describeValue (value: unknown): string {
  return typeof value === 'function' ? 'a function' : `${typeof value} ${typeof value === 'number' ? value : JSON.stringify(value)}`
}
