import { KEEP_ALIVE } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { resolveInspector } from '../src/inspector/options.ts'
import { resolveOptions } from '../src/reachability/resolve-options.ts'
import { stubPeerId } from './fixtures/connections.ts'
import { NodeGroup } from './fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from './fixtures/nodes.ts'
import { numericOptions } from './fixtures/numeric-options.ts'
import type { ConnectionManagerInit } from '../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

const ECHO = '/echo/1.0.0'

/**
 * Parts of a whole, numbers that are counted up to, and waits for which "never" has a
 * word of its own
 */
const REFUSED = [
  'backOff.jitter',
  'blackHole.minSuccesses',
  'load.interval',
  'misbehaviour.discourageThreshold',
  'outbound.anchors',
  'outbound.churn.fraction',
  'outbound.churn.interval',
  'outbound.churn.protectFraction',
  'outbound.feelers.duration',
  'outbound.feelers.interval',
  'outbound.ratio',
  'outbound.target',
  'reconnectBackoffFactor',
  'reconnectRetryInterval',
  'silencePeriod',
  'whilePrivate.outboundFactor'
]

/**
 * What an option cannot do without
 */
const BESIDE: Array<[path: RegExp, beside: object]> = [
  [/^lowWater/, { highWater: Infinity }],
  [/^realmSettings.*lowWater/, { realmSettings: { any: { highWater: Infinity } } }],
  [/^outbound/, { outbound: { target: 1, sources: ['peer-store'] } }],
  [/^limits.*ipv4/, { limits: { subnets: { ipv4: [{ prefix: 24, connections: 1 }], rates: { ipv4: [{ prefix: 24, perSecond: 1, burst: 1 }] } } } }],
  [/^limits.*ipv6/, { limits: { subnets: { ipv6: [{ prefix: 64, connections: 1 }], rates: { ipv6: [{ prefix: 64, perSecond: 1, burst: 1 }] } } } }],
  [/^limits.*networks/, { limits: { subnets: { networks: [{ cidr: '192.0.2.0/24', connections: 1 }], rates: { networks: [{ cidr: '192.0.2.0/24', perSecond: 1, burst: 1 }] } } } }],
  [/^limits.streamRates.(peer|protocol|protocolPeer)\./, { limits: { streamRates: { peer: { perSecond: 1, burst: 1 }, protocol: { perSecond: 1, burst: 1 }, protocolPeer: { perSecond: 1, burst: 1 } } } }],
  [/^limits.streamRates/, { limits: { streamRates: { protocols: { any: { perSecond: 1, burst: 1 } }, protocolPeers: { any: { perSecond: 1, burst: 1 } } } } }],
  [/^limits.*global/, { limits: { subnets: { rates: { global: { perSecond: 1, burst: 1 } } } } }]
]

/**
 * Options of which this one is the value
 */
function optionsWith (path: string, value: unknown): ConnectionManagerInit {
  const options = structuredClone(BESIDE.find(([pattern]) => pattern.test(path))?.[1] ?? {})
  const anyName = path.startsWith('limits.peers') ? stubPeerId().toString() : 'any'
  const names = path.split('.').map(name => name === '*' ? anyName : name)
  const last = names.pop() ?? ''
  let within: object = options

  for (const name of names) {
    const next: unknown = Reflect.get(within, name)

    if (typeof next === 'object' && next != null) {
      within = next
    } else {
      const added = {}
      Reflect.set(within, name, added)
      within = added
    }
  }

  Reflect.set(within, last, last === 'interval' && path.includes('churn') ? [value, value] : value)

  return options
}

/**
 * The last part of the name, as it is in an error
 */
function nameIn (path: string): string {
  return path.replace('maxParallelDialsPerTransport.*', 'maxParallelDialsPerTransport').split('.').at(-1) ?? ''
}

describe('options that are Infinity', function () {
  this.timeout(180_000)

  const nodes = new NodeGroup()
  const { setTimeout } = globalThis
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  let paths: string[]
  let badDelays: unknown[]

  before(() => { paths = numericOptions('ConnectionManagerInit') })

  beforeEach(() => {
    badDelays = []
    const check = (delay: unknown = 0): void => {
      if (!(typeof delay === 'number' && delay < 2 ** 31)) {
        badDelays.push(delay)
      }
    }
    Reflect.set(globalThis, 'setTimeout', Object.assign((callback: () => void, delay?: number) => {
      check(delay)

      return setTimeout(callback, delay)
    }, setTimeout))
    AbortSignal.timeout = delay => {
      check(delay)

      return timeout(delay)
    }
  })

  afterEach(async () => {
    globalThis.setTimeout = setTimeout
    AbortSignal.timeout = timeout
    await nodes.stop()
  })

  async function errorOf (init: ConnectionManagerInit): Promise<unknown> {
    try {
      await nodes.add(createManagedNode(init, { start: false }))
    } catch (err) {
      return err
    }
  }

  async function isEchoed (from: Libp2p, to: Libp2p): Promise<void> {
    const stream = await from.dialProtocol(to.peerId, ECHO)
    const answer = new Promise(resolve => { stream.addEventListener('message', resolve, { once: true }) })
    stream.send(Uint8Array.of(1))
    await answer
    await stream.close()
  }

  it('are refused by their names where that means nothing', async () => {
    const refused: string[] = []

    for (const path of paths) {
      const error = await errorOf(optionsWith(path, Infinity))

      if (error != null) {
        expect(error, path).to.have.property('option').that.satisfies((option: string) => option.includes(nameIn(path)))
        expect(error, path).to.have.property('message').that.includes('Infinity')
        refused.push(path)
      }
    }

    const isLimit = (path: string): boolean => path.startsWith('limits.')
    expect(refused.filter(path => !isLimit(path))).to.deep.equal(REFUSED)
    // there it is called `unlimited`
    expect(refused.filter(isLimit)).to.deep.equal(paths.filter(isLimit))
  })

  it('are refused as numbers that are none', async () => {
    for (const path of paths) {
      expect(await errorOf(optionsWith(path, NaN)), path).to.have.property('name', 'InvalidParametersError')
    }
  })

  it('mean that there is no limit, or that something never happens, where they are taken', async () => {
    const taken = paths.filter(path => !REFUSED.includes(path) && !path.startsWith('limits.'))
    const remote = await nodes.add(createPlainNode({ connectionManager: { inboundConnectionThreshold: 10_000 } }))
    const echo: Parameters<Libp2p['handle']>[1] = stream => { stream.addEventListener('message', ({ data }) => { stream.send(data) }) }
    await remote.handle(ECHO, echo)
    expect(taken.length).to.be.above(50)

    for (const path of taken) {
      badDelays = []
      const node = await createManagedNode({ reconnectRetryInterval: 10, ...optionsWith(path, Infinity) })

      try {
        const manager = node.services.connectionManager
        await node.handle(ECHO, echo)
        await node.peerStore.merge(remote.peerId, { multiaddrs: remote.getMultiaddrs(), tags: { [KEEP_ALIVE]: { value: 1 } } })

        if (path.startsWith('outbound')) {
          await pWaitFor(() => node.getConnections().length > 0, { timeout: 5_000 })
        }

        await node.dial(remote.peerId)
        await isEchoed(node, remote)
        await isEchoed(remote, node)

        // what fails is backed off, and what is lost is dialled again
        for (let i = 0; i < 2; i++) {
          await expect(node.dial(multiaddr(`/memory/nobody-${path}`))).to.eventually.be.rejected()
        }

        await remote.hangUp(node.peerId)
        await pWaitFor(() => node.getConnections().length > 0, { timeout: 5_000 })
        expect(await manager.reportMisbehaviour(remote.peerId, { transient: 1 })).to.include({ score: 1, outcome: 'noted' })
        await manager.trim()
        manager.networkChanged()
        await node.hangUp(remote.peerId)
        await node.stop()
        expect(badDelays).to.deep.equal([])
      } catch (err) {
        throw new Error(`With ${path}: Infinity`, { cause: err })
      } finally {
        await node.stop()
      }
    }
  })

  it('are refused by the inspector and by reachability where that means nothing', () => {
    for (const path of numericOptions('ReachabilityInit')) {
      const [section, name] = path.split('.')
      const value = name === 'fallbackRange' ? [Infinity, Infinity] : Infinity
      expect(() => { resolveOptions({ [section]: { [name]: value } }) }, path).to.throw().with.property('option', path)
    }

    for (const [option, value] of [['interval', Infinity], ['port', Infinity], ['maxPeers', NaN], ['maxStreams', NaN]] as const) {
      expect(() => { resolveInspector({ [option]: value }) }, option).to.throw().with.property('option', `inspector.${option}`)
    }

    expect(numericOptions('InspectorInit')).to.deep.equal(['interval', 'maxPeers', 'maxStreams', 'port'])
    expect(resolveInspector({ maxPeers: Infinity, maxStreams: Infinity })).to.include({ maxPeers: Infinity, maxStreams: Infinity })
  })
})
