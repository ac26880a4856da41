import { memory } from '@libp2p/memory'
import { plaintext } from '@libp2p/plaintext'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, expectNothingLeft, listenerCounts, outcome } from './faulty-node.ts'
import type { FaultyNode } from './faulty-node.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/**
 * Counts the points at which something of a node waits, and does something at one of
 * them
 */
class StopPoints {
  readonly names: string[] = []
  private at = Infinity
  private action = (): void => {}

  /**
   * From now on, `action` is called at the point with this number
   */
  arm (at: number, action: () => void): void {
    this.names.length = 0
    this.at = at
    this.action = action
  }

  disarm (): void {
    this.at = Infinity
  }

  /**
   * The same object, with a point before and one after each call of these methods
   */
  watch <T extends object> (name: string, target: T, methods: readonly string[]): T {
    return new Proxy(target, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property)

        if (typeof value !== 'function') {
          return value
        }

        return methods.includes(String(property))
          ? (...args: unknown[]) => this.around(`${name}.${String(property)}`, () => Reflect.apply(value, target, args))
          : value.bind(target)
      }
    })
  }

  private async around (name: string, call: () => unknown): Promise<unknown> {
    this.pass(`before ${name}`)

    try {
      return await call()
    } finally {
      this.pass(`after ${name}`)
    }
  }

  private pass (name: string): void {
    this.names.push(name)

    if (this.names.length === this.at) {
      this.action()
    }
  }
}

const GATER_HOOKS = ['denyDialPeer', 'denyDialMultiaddr', 'denyInboundConnection', 'denyOutboundConnection', 'denyInboundEncryptedConnection', 'denyOutboundEncryptedConnection', 'denyInboundUpgradedConnection', 'denyOutboundUpgradedConnection']

describe('faults: stop', () => {
  const nodes = new NodeGroup()
  let clock: VirtualClock
  let points: StopPoints
  let node: FaultyNode
  let remote: Libp2p
  let listening: number[]

  beforeEach(async () => {
    clock = new VirtualClock()
    points = new StopPoints()
    remote = await nodes.add(createPlainNode())
    node = await nodes.add(createFaultyNode(clock, {
      beforeConnect: [() => true],
      afterConnect: [() => true],
      resolvers: {
        dnsaddr: points.watch('resolver', {
          canResolve: ma => `${ma}`.startsWith('/dnsaddr/'),
          resolve: async () => remote.getMultiaddrs()
        }, ['resolve'])
      }
    }, watchedOptions()))
    listening = listenerCounts(node)
  })

  afterEach(async () => {
    points.disarm()
    await nodes.stop()
  })

  function watchedOptions (): Libp2pOptions {
    const gater = Object.fromEntries(GATER_HOOKS.map(hook => [hook, async () => false]))

    return {
      datastore: points.watch('datastore', new MemoryDatastore(), ['get', 'has', 'put']),
      connectionGater: points.watch('gater', gater, GATER_HOOKS),
      connectionEncrypters: [components => points.watch('encrypter', plaintext()(components), ['secureInbound', 'secureOutbound'])],
      transports: [components => {
        const { upgrader } = components
        const watched = points.watch('upgrader', upgrader, ['upgradeInbound', 'upgradeOutbound'])
        const transport = memory()(components)

        // the memory transport dials with the upgrader that it is given
        return points.watch('transport', Object.create(transport, {
          dial: { configurable: true, value: async (ma: Parameters<typeof transport.dial>[0], options: Parameters<typeof transport.dial>[1]) => transport.dial(ma, { ...options, upgrader: watched }) },
          createListener: { configurable: true, value: () => transport.createListener({ upgrader: watched }) }
        }), ['dial'])
      }]
    }
  }

  /**
   * Stops at the first point, then at the second, until there are no more
   */
  async function stopEverywhere (connect: () => Promise<unknown>): Promise<string[]> {
    for (let at = 1; ; at++) {
      await node.start()
      await clock.advance(10)

      let stopped: Promise<void> | undefined
      // eslint-disable-next-line no-loop-func
      points.arm(at, () => { stopped = Promise.resolve(node.stop()) })
      const connected = await outcome(connect(), clock)
      await clock.advance(10)

      if (stopped == null) {
        expect(connected.status).to.equal('fulfilled')
        const { names } = points
        points.disarm()
        await node.stop()

        return [...names]
      }

      const where = `at ${points.names[at - 1]}`
      points.disarm()
      expect((await outcome(stopped, clock, 10_000)).status, where).to.equal('fulfilled')
      await outcome(untilGone(), clock, 10_000)
      expectNothingLeft(node, clock)
      expect(listenerCounts(node), where).to.deep.equal(listening)
    }
  }

  async function untilGone (): Promise<void> {
    while (remote.getConnections().length > 0 || node.services.connectionManager.getStats().inboundPending > 0) {
      await new Promise<void>(resolve => { setTimeout(resolve, 1) })
    }
  }

  it('can be called at every point of a dial and of its upgrade', async () => {
    const names = await stopEverywhere(async () => node.dial(multiaddr('/dnsaddr/example.com')))

    expect(names).to.include.members(['before resolver.resolve', 'after gater.denyDialMultiaddr', 'before transport.dial', 'before encrypter.secureOutbound', 'after upgrader.upgradeOutbound', 'after datastore.put'])
  })

  it('can be called at every point of an inbound upgrade', async () => {
    const names = await stopEverywhere(async () => {
      await remote.dial(node.getMultiaddrs()).catch(() => {})
      await remote.hangUp(node.peerId)
    })

    expect(names).to.include.members(['before upgrader.upgradeInbound', 'before gater.denyInboundConnection', 'after encrypter.secureInbound', 'after gater.denyInboundUpgradedConnection', 'after upgrader.upgradeInbound'])
  })
})
