import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { Realms, resourceManager } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { ConnectionScope, Limits, PeerTraits, RealmAssignment, RealmLimitReached, RealmsComponents, RealmsInit, ResourceManager } from '../../src/resources/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

interface Setup {
  realms: Realms
  resources: ResourceManager
  clock: VirtualClock
  assigned: RealmAssignment[]
  limited: RealmLimitReached[]
  traits: Map<PeerId, PeerTraits>
  connect(peer: PeerId): ConnectionScope
  disconnect(peer: PeerId): void
}

function setup (options: { limits?: Limits | false, init?: RealmsInit, components?: Partial<RealmsComponents> } = {}): Setup {
  const resources = resourceManager({ limits: options.limits ?? {}, defaults: {} })
  const clock = new VirtualClock()
  const traits = new Map<PeerId, PeerTraits>()
  const open = new Map<PeerId, Array<{ scope: ConnectionScope, connection: Connection }>>()
  const connected = new Set<PeerId>()
  const realms = new Realms({
    logger: defaultLogger(),
    resources,
    clock,
    traitsOf: peer => traits.get(peer),
    isConnected: peer => connected.has(peer),
    connectionsOf: peer => open.get(peer)?.map(({ connection }) => connection) ?? [],
    ...options.components
  }, options.init)
  const assigned: RealmAssignment[] = []
  const limited: RealmLimitReached[] = []

  realms.addEventListener('realm:assign', ({ detail }) => { assigned.push(detail) })
  realms.addEventListener('realm:limit', ({ detail }) => { limited.push(detail) })
  realms.start()

  return {
    realms,
    resources,
    clock,
    assigned,
    limited,
    traits,
    connect (peer) {
      const scope = resources.openConnection({ direction: 'inbound', peer: peer.toString(), realm: realms.placeOf(peer) })
      // only compared
      const connection = { id: `${peer}`, remotePeer: peer } as unknown as Connection
      open.set(peer, [...(open.get(peer) ?? []), { scope, connection }])

      if (!connected.has(peer)) {
        connected.add(peer)
        realms.peerConnected(peer)
      }

      return scope
    },
    disconnect (peer) {
      open.get(peer)?.forEach(({ scope }) => { scope.release() })
      open.delete(peer)
      connected.delete(peer)
      realms.peerDisconnected(peer)
    }
  }
}

function counted (resources: ResourceManager): Record<string, number> {
  return Object.fromEntries(Object.entries(resources.stat().realms).map(([realm, { usage }]) => [realm, usage.connections]))
}

describe('Realms', () => {
  let alice: PeerId
  let bob: PeerId

  before(async () => {
    alice = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    bob = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  })

  describe('membership', () => {
    const realmOf: RealmsInit['realmOf'] = ({ protocol, peer }) => {
      if (protocol != null) {
        return /^\/r\/([^/]+)/.exec(protocol)?.[1]
      }

      return peer === alice ? 'of-peer' : undefined
    }

    it('is that of the assignment, of a tag, of a protocol, of the peer, or none', () => {
      const { realms, traits } = setup({ init: { realmOf } })
      traits.set(alice, { tags: ['keep-alive', 'realm:tagged', 'realm:second'], protocols: ['/ipfs/id/1.0.0', '/r/spoken/1.0.0'] })
      realms.assign(alice, 'assigned')
      expect(realms.of(alice)).to.equal('assigned')
      expect(realms.memberships(alice)).to.deep.equal(['assigned', 'tagged', 'second', 'spoken', 'of-peer'])

      realms.unassign(alice)
      expect(realms.of(alice)).to.equal('tagged')

      traits.set(alice, { protocols: ['/ipfs/id/1.0.0', '/r/spoken/1.0.0'] })
      expect(realms.of(alice)).to.equal('spoken')

      traits.delete(alice)
      expect(realms.of(alice)).to.equal('of-peer')
      expect(realms.of(bob)).to.equal(undefined)
      expect(realms.memberships(bob)).to.deep.equal([])
    })

    it('is told by a protocol with /realm/<name>/ if there is such a realm', () => {
      const { realms, traits } = setup({ init: { realms: ['chain'] } })
      traits.set(alice, { protocols: ['/app/realm/chain/1.0.0'] })
      traits.set(bob, { protocols: ['/app/realm/made-up/1.0.0'] })

      expect(realms.of(alice)).to.equal('chain')
      expect(realms.of(bob)).to.equal(undefined)
      expect(realms.ofProtocol('/realm/chain/sync')).to.equal('chain')
      expect(realms.ofProtocol('/ipfs/id/1.0.0')).to.equal(undefined)
    })

    it('ends when the assignment expires, and not before', async () => {
      const { realms, clock, assigned, connect, resources } = setup()
      connect(alice)
      realms.assign(alice, 'chain', { for: 1000 })
      await clock.advance(999)
      expect(realms.of(alice)).to.equal('chain')
      expect(counted(resources)).to.deep.equal({ chain: 1 })

      await clock.advance(1)
      expect(realms.of(alice)).to.equal(undefined)
      expect(counted(resources)).to.deep.equal({})
      expect(assigned.map(({ realm, previous, source }) => [realm, previous, source])).to.deep.equal([['chain', undefined, 'assigned'], [undefined, 'chain', undefined]])
      expect(clock.timers).to.equal(0)
    })

    it('can be assigned for longer than a timer can wait', async () => {
      const { realms, clock } = setup()
      const setTimeout = clock.setTimeout.bind(clock)
      clock.setTimeout = (callback, delay) => {
        expect(delay).to.be.below(2 ** 31)

        return setTimeout(callback, delay)
      }
      realms.assign(alice, 'chain', { for: 2 ** 32 })
      realms.assign(bob, 'chain', { for: Infinity })
      await clock.advance(2 ** 32 - 1)
      expect(realms.of(alice)).to.equal('chain')

      await clock.advance(1)
      expect(realms.of(alice)).to.equal(undefined)
      expect(realms.of(bob)).to.equal('chain')
    })

    it('expires while stopped, and leaves no timer behind', async () => {
      const { realms, clock } = setup()
      realms.assign(alice, 'chain', { for: 1000 })
      realms.stop()
      realms.stop()
      expect(clock.timers).to.equal(0)

      await clock.advance(2000)
      expect(realms.of(alice)).to.equal(undefined)

      realms.start()
      await clock.advance(0)
      expect(realms.list().map(({ assigned }) => assigned)).to.deep.equal([0])
    })

    it('of a bad name or duration is refused, and nothing changes', () => {
      const { realms } = setup()

      expect(() => { realms.assign(alice, '') }).to.throw().with.property('option', 'realm')
      expect(() => { realms.assign(alice, 'x'.repeat(257)) }).to.throw().with.property('option', 'realm')
      expect(() => { realms.assign(alice, 'chain', { for: 0 }) }).to.throw().with.property('option', 'for')
      expect(() => { realms.assign(alice, 'chain', { for: -1 }) }).to.throw().with.property('option', 'for')
      expect(() => { realms.assign(alice, 'chain', { for: NaN }) }).to.throw().with.property('option', 'for')
      expect(realms.of(alice)).to.equal(undefined)
      expect(realms.list()).to.deep.equal([])
    })

    it('of a peer that claims thousands of realms is bounded', () => {
      const { realms, traits, connect } = setup({ init: { realmOf } })
      traits.set(bob, { protocols: Array.from({ length: 10_000 }, (_, i) => `/r/${i}/`).concat(`/r/${'x'.repeat(1000)}/`) })
      connect(bob)

      expect(realms.memberships(bob)).to.have.lengthOf(32)
      expect(realms.list()).to.have.lengthOf(32)
    })

    it('is none when realmOf throws or returns what is no name', () => {
      const failing = setup({ init: { realmOf: () => { throw new Error('oops') } } })
      expect(failing.realms.of(alice)).to.equal(undefined)

      // as JavaScript may do it
      const strange = setup({ init: { realmOf: () => 7 as unknown as string } })
      expect(strange.realms.of(alice)).to.equal(undefined)
      expect(strange.realms.ofProtocol('/p')).to.equal(undefined)
    })
  })

  describe('connections', () => {
    it('move with the peer, all of them', () => {
      const { realms, resources, connect, disconnect, assigned } = setup()
      connect(alice)
      connect(alice)
      connect(bob)
      realms.assign(alice, 'chain')
      expect(counted(resources)).to.deep.equal({ chain: 2 })
      expect(realms.connections('chain').map(({ remotePeer }) => remotePeer)).to.deep.equal([alice, alice])

      realms.assign(alice, 'files')
      expect(counted(resources)).to.deep.equal({ files: 2 })
      expect(assigned.map(({ peer, realm, previous }) => [peer, realm, previous])).to.deep.equal([[alice, 'chain', undefined], [alice, 'files', 'chain']])

      disconnect(alice)
      expect(realms.connections('files')).to.deep.equal([])
      expect(counted(resources)).to.deep.equal({})
    })

    it('follow what becomes known of the peer', () => {
      const { realms, resources, connect, traits } = setup({ init: { realms: ['chain'] } })
      connect(alice)
      traits.set(alice, { protocols: ['/realm/chain/1'] })
      realms.refresh(alice)
      expect(counted(resources)).to.deep.equal({ chain: 1 })

      traits.set(alice, { tags: ['realm:files'], protocols: ['/realm/chain/1'] })
      realms.refresh(alice)
      realms.refresh(bob)
      expect(counted(resources)).to.deep.equal({ files: 1 })
      expect(realms.connections('chain')).to.have.lengthOf(1)
      expect(realms.list().map(({ realm, connections, peers }) => [realm, connections, peers])).to.deep.equal([['chain', 0, 1], ['files', 1, 1]])
    })

    it('stay where they are when the realm is full, which an event tells', () => {
      const { realms, resources, connect, limited } = setup({ limits: { realms: { chain: { connections: 1 } } } })
      connect(alice)
      connect(bob)
      realms.assign(alice, 'chain')
      realms.assign(bob, 'chain')

      expect(counted(resources)).to.deep.equal({ chain: 1 })
      expect(limited).to.have.lengthOf(1)
      expect(limited[0]).to.include({ realm: 'chain', peer: bob, kept: 0 })
      expect(limited[0].error).to.include({ scope: 'realm:chain', current: 1, requested: 1, limit: 1 })

      realms.setLimit('chain', { connections: 2 })
      expect(counted(resources)).to.deep.equal({ chain: 2 })
    })

    it('are all in one realm, also those that open when it has room for one of them only', () => {
      const { realms, resources, connect } = setup({ limits: { realms: { chain: { connections: 1 } } } })
      connect(alice)
      connect(alice)

      realms.assign(alice, 'chain')
      connect(alice)
      expect(counted(resources)).to.deep.equal({})

      realms.setLimit('chain', { connections: 3 })
      expect(counted(resources)).to.deep.equal({ chain: 3 })
    })

    it('leave the realm that the peer was in when it was dialled, though there is no room in its new one', () => {
      let isConnected = false
      const { realms, resources } = setup({ limits: { realms: { full: { connections: 0 } } }, components: { isConnected: () => isConnected } })
      realms.assign(alice, 'chain')
      const dial = resources.openConnection({ direction: 'outbound', peer: alice.toString(), realm: realms.placeOf(alice) })
      realms.assign(alice, 'full')
      expect(counted(resources)).to.deep.equal({ chain: 1 })

      isConnected = true
      realms.peerConnected(alice)
      expect(counted(resources)).to.deep.equal({})
      expect(realms.placeOf(alice)).to.equal(undefined)
      dial.release()
    })

    it('may take the place of others in the realm', () => {
      const victims: ConnectionScope[] = []
      const asked: unknown[] = []
      const { realms, resources, connect, limited } = setup({
        limits: { realms: { chain: { connections: 1 } } },
        components: {
          makeRoom: (realm, peer) => {
            asked.push([realm, peer])
            victims.forEach(scope => { scope.release() })

            return true
          }
        }
      })
      victims.push(connect(alice))
      connect(bob)
      realms.assign(alice, 'chain')
      realms.assign(bob, 'chain')

      expect(asked).to.deep.equal([['chain', bob]])
      expect(counted(resources)).to.deep.equal({ chain: 1 })
      expect(limited).to.deep.equal([])
    })
  })

  describe('setLimit', () => {
    it('trims that realm at once, and reports what has to stay', () => {
      const trimmed: unknown[] = []
      const { realms, connect, limited } = setup({ components: { trimRealm: (realm, count) => { trimmed.push([realm, count]); return 1 } } })
      realms.assign(alice, 'chain')
      realms.assign(bob, 'chain')
      connect(alice)
      connect(bob)

      expect(realms.setLimit('chain', { connections: 2 })).to.equal(0)
      expect(trimmed).to.deep.equal([])

      expect(realms.setLimit('chain', { connections: 0 })).to.equal(1)
      expect(trimmed).to.deep.equal([['chain', 2]])
      expect(limited).to.deep.equal([{ realm: 'chain', kept: 1 }])
    })

    it('refuses what is no limit, and nothing changes', () => {
      const { realms } = setup()

      expect(() => realms.setLimit('chain', { connections: -1 })).to.throw().with.property('option', 'realm:chain.connections')
      expect(() => realms.setLimit('', {})).to.throw().with.property('option', 'realm')
      expect(realms.list()).to.deep.equal([])
    })

    it('appears in the list', () => {
      const { realms } = setup()
      realms.setLimit('chain', { connections: 64, reserved: 16 })
      realms.assign(alice, 'chain')

      expect(realms.list()).to.deep.equal([{ realm: 'chain', connections: 0, peers: 0, assigned: 1, limits: { connections: 64, reserved: 16 } }])
    })
  })

  describe('usages', () => {
    it('count realms that only remote peers speak of with those that are in none', () => {
      const { realms, connect, traits } = setup({ limits: { realms: { chain: { reserved: 3 } } }, init: { realms: ['chain'], realmOf: ({ protocol }) => protocol?.slice(1) } })
      traits.set(alice, { protocols: ['/chain'] })
      traits.set(bob, { protocols: ['/made-up'] })
      connect(alice)
      connect(bob)

      expect(realms.of(bob)).to.equal('made-up')
      expect(realms.usages(5)).to.deep.equal([{ realm: 'chain', connections: 1, reserved: 3 }, { realm: undefined, connections: 4 }])
      expect(realms.shareOf(alice)).to.equal('chain')
      expect(realms.shareOf(bob)).to.equal(undefined)
    })

    it('are known without limits too', () => {
      const { realms, connect } = setup({ limits: false })
      connect(alice)
      connect(alice)
      realms.assign(alice, 'chain')

      expect(realms.usages(3)).to.deep.equal([{ realm: 'chain', connections: 2, reserved: undefined }, { realm: undefined, connections: 1 }])
      expect(realms.setLimit('chain', { connections: 0 })).to.equal(0)
      expect(realms.list()).to.deep.equal([{ realm: 'chain', connections: 2, peers: 1, assigned: 1, limits: {} }])
    })
  })
})
