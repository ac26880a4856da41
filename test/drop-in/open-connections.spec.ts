import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { componentOf, idsOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService, RecycleRequest, Refusal } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

const APP = '/app/1.0.0'

describe('drop-in: open connections', () => {
  const nodes = new NodeGroup()
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let manager: ConnectionManagerService

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit = {}, options: Libp2pOptions = {}): Promise<void> {
    node = await nodes.add(createManagedNode({ inboundConnectionThreshold: Infinity, ...init }, options))
    manager = node.services.connectionManager
    await node.handle(APP, () => {})
  }

  /**
   * A node that can be dialled by its id
   */
  async function startPeer (): Promise<Libp2p> {
    const peer = await nodes.add(createPlainNode({ services: { ping: ping() } }))
    await peer.handle(APP, () => {})
    await node.peerStore.merge(peer.peerId, { multiaddrs: peer.getMultiaddrs() })

    return peer
  }

  function isConnected ({ peerId }: Libp2p): boolean {
    return node.getConnections(peerId).length > 0
  }

  describe('that are idle', () => {
    it('are closed, unless they are used, protected, kept or reserved for', async () => {
      await start({ idleTimeout: 300, limits: { realms: { chain: { reserved: 1 } } } })
      const [unused, used, guarded, kept, member, relayed] = await Promise.all(Array.from({ length: 6 }, startPeer))
      manager.protect(guarded.peerId, 'validator')
      manager.realms.assign(member.peerId, 'chain')
      await node.peerStore.merge(kept.peerId, { tags: { 'keep-alive': { value: 1 } } })
      manager.tag(relayed.peerId, 'circuit-relay-source', 1)
      // it is not idle before it has a stream, however slow that is
      manager.protect(used.peerId, 'about to be used')
      const connections = await Promise.all([unused, used, guarded, kept, member, relayed].map(async peer => node.dial(peer.peerId)))
      await connections[1].newStream(APP)
      manager.unprotect(used.peerId, 'about to be used')

      await pWaitFor(() => !isConnected(unused))
      await new Promise(resolve => { setTimeout(resolve, 700) })
      expect([used, guarded, kept, member, relayed].map(isConnected)).to.deep.equal([true, true, true, true, true])
    })

    it('are kept if they are relayed and nobody can dial the node, until somebody can', async () => {
      await start({ idleTimeout: 1_000 })
      const [direct, relayed] = await Promise.all([startPeer(), startPeer()])
      const connection = await node.dial(relayed.peerId)
      connection.limits = { seconds: 120 }
      manager.reachabilityChanged({ state: 'private', reason: 'unreachable' })
      await node.dial(direct.peerId)
      await pWaitFor(() => !isConnected(direct))
      expect(isConnected(relayed)).to.be.true()

      manager.reachabilityChanged({ state: 'public', reason: 'forwarded' })
      await pWaitFor(() => !isConnected(relayed))
    })

    it('are closed sooner if nothing was ever asked of us', async () => {
      await start({ firstStreamTimeout: 300 })
      const [silent, active] = await Promise.all([startPeer(), startPeer()])
      await silent.dial(node.getMultiaddrs())
      manager.protect(active.peerId, 'about to ask')
      const stream = await (await active.dial(node.getMultiaddrs())).newStream(APP)
      await pWaitFor(() => node.getConnections(active.peerId)[0]?.streams.length > 0)
      manager.unprotect(active.peerId, 'about to ask')
      await pWaitFor(() => !isConnected(silent))

      expect(stream.status).to.equal('open')
      expect(isConnected(active)).to.be.true()
    })
  })

  describe('hooks', () => {
    it('keep peers from being dialled', async () => {
      const asked: string[] = []
      await start({ beforeConnect: [async peerId => { asked.push(String(peerId)) }, () => false] })
      const peer = await startPeer()

      await expect(node.dial(peer.peerId)).to.eventually.be.rejected().with.property('name', 'DialDeniedError')
      expect(asked).to.deep.equal([peer.peerId.toString()])
    })

    it('keep connections in both directions from being opened', async () => {
      const asked: string[] = []
      await start({
        afterConnect: [(peerId, connection, direction) => {
          asked.push(`${direction} ${peerId.toString()} ${connection.direction}`)
          throw new Error('No')
        }]
      })
      const peer = await startPeer()
      const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(manager, 'connection:refuse')

      await expect(node.dial(peer.peerId)).to.eventually.be.rejected()
      await peer.dial(node.getMultiaddrs()).catch(() => {})
      expect((await refused).detail).to.have.property('reason', 'hook')
      expect(asked).to.deep.equal([`outbound ${peer.peerId} outbound`, `inbound ${peer.peerId} inbound`])
      expect(manager.connectionCount()).to.equal(0)
    })
  })

  describe('to peers that flap', () => {
    const flapping = { sessions: 2, cooldown: 60_000 }

    async function comeAndGo (peer: Libp2p): Promise<void> {
      const opened = pEvent(node, 'connection:open')
      await peer.dial(node.getMultiaddrs())
      await opened
      const disconnected = pEvent(node, 'peer:disconnect')
      await peer.hangUp(node.peerId)
      await disconnected
    }

    it('are refused, unless they are protected', async () => {
      await start({ flapping })
      const peer = await startPeer()
      await comeAndGo(peer)
      await comeAndGo(peer)

      const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(manager, 'connection:refuse')
      await peer.dial(node.getMultiaddrs()).catch(() => {})
      expect((await refused).detail).to.have.property('reason', 'flapping')

      manager.protect(peer.peerId, 'validator')
      await comeAndGo(peer)
    })

    it('are not refused for what we have done', async () => {
      await start({ flapping })
      const peer = await startPeer()

      for (let i = 0; i < 4; i++) {
        const opened = pEvent(node, 'connection:open')
        await peer.dial(node.getMultiaddrs())
        await opened
        const disconnected = pEvent(peer, 'peer:disconnect')
        await node.hangUp(peer.peerId)
        await disconnected
      }

      await comeAndGo(peer)
    })
  })

  describe('that are recycled', () => {
    it('are replaced by a connection to the same peer, which keeps its protection', async () => {
      await start()
      const [peer] = await Promise.all([startPeer(), startPeer().then(async other => node.dial(other.peerId))])
      manager.protect(peer.peerId, 'validator')
      const connection = await node.dial(peer.peerId)
      const told = pEvent<'connection:recycle', CustomEvent<RecycleRequest>>(manager, 'connection:recycle')
      const next = await manager.recycle(connection, 'stalled')

      expect((await told).detail).to.deep.equal({ connection, reason: 'stalled' })
      expect(connection.status).to.equal('closed')
      expect(idsOf(...node.getConnections(peer.peerId))).to.deep.equal([next?.id])
      expect(manager.isProtected(peer.peerId)).to.be.true()
    })

    it('can be asked for by an event, whatever is in it', async () => {
      await start()
      const [peer] = await Promise.all([startPeer(), startPeer().then(async other => node.dial(other.peerId))])
      const connection = await node.dial(peer.peerId)
      const opened = pEvent(node, 'connection:open')
      manager.dispatchEvent(new CustomEvent('connection:recycle-requested'))
      manager.dispatchEvent(new CustomEvent('connection:recycle-requested', { detail: { connection, reason: 'stalled' } }))
      await opened

      expect(node.getConnections(peer.peerId).map(({ id }) => id)).to.not.include(connection.id)
    })

    it('keep the place of the peer in its realm', async () => {
      let whileDialling = async (): Promise<void> => {}
      await start({
        limits: { realms: { chain: { connections: 2 } } },
        beforeConnect: [async () => { await whileDialling() }]
      })
      const [peer, guarded, newcomer] = await Promise.all([startPeer(), startPeer(), startPeer()])
      ;[peer, guarded, newcomer].forEach(({ peerId }) => { manager.realms.assign(peerId, 'chain') })
      manager.protect(guarded.peerId, 'validator')
      await node.dial(guarded.peerId)
      const connection = await node.dial(peer.peerId)
      const usage = (): number | undefined => manager.resources.scopeStat('realm:chain')?.usage.connections
      let seen = 0

      whileDialling = async () => {
        whileDialling = async () => {}
        expect(isConnected(peer)).to.be.false()
        expect(usage()).to.equal(2)
        await expect(newcomer.dial(node.getMultiaddrs()).then(async connection => connection.newStream(APP))).to.eventually.be.rejected()
        seen++
      }

      const next = await manager.recycle(connection, 'stalled')
      expect(seen).to.equal(1)
      expect(next?.status).to.equal('open')
      expect(isConnected(newcomer)).to.be.false()
      expect(usage()).to.equal(2)
    })

    it('give up the place in the realm if the peer cannot be dialled', async () => {
      let denied = false
      await start({ limits: { realms: { chain: { connections: 2 } } }, beforeConnect: [() => !denied] })
      const [peer, other] = await Promise.all([startPeer(), startPeer()])
      manager.realms.assign(peer.peerId, 'chain')
      await node.dial(other.peerId)
      const connection = await node.dial(peer.peerId)
      denied = true

      await expect(manager.recycle(connection, 'stalled')).to.eventually.be.rejected()
      expect(manager.resources.scopeStat('realm:chain')?.usage.connections ?? 0).to.equal(0)
    })
  })

  describe('and the connection monitor of libp2p', () => {
    function monitorOf (node: Libp2p): string | undefined {
      try {
        return Reflect.get(componentOf<object>(node, 'connectionMonitor'), Symbol.toStringTag)
      } catch {
        return undefined
      }
    }

    it('is replaced', async () => {
      await start()
      expect(monitorOf(node)).to.equal('libp2p-connmgr/connection-monitor')
    })

    it('does its work if the user wants it so', async () => {
      await start({ liveness: false })
      expect(monitorOf(node)).to.equal('@libp2p/connection-monitor')
    })

    it('has no successor if it is disabled, unless that is asked for', async () => {
      await start({}, { connectionMonitor: { enabled: false }, services: { ping: ping() } })
      expect(monitorOf(node)).to.be.undefined()
      let pings = 0
      manager.addEventListener('connection:ping', () => { pings++ })
      await node.dial((await startPeer()).peerId)
      manager.networkChanged()
      await new Promise(resolve => { setTimeout(resolve, 1_300) })
      expect(pings).to.equal(0)

      await start({ liveness: { interval: 3_600_000 } }, { connectionMonitor: { enabled: false } })
      await node.dial((await startPeer()).peerId)
      const pinged = pEvent(manager, 'connection:ping')
      manager.networkChanged()
      await pinged
    })
  })

  it('are asked at once when a browser is online again', async () => {
    const target = new EventTarget()
    const names = ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const
    const added = names.filter(name => Reflect.get(globalThis, name) == null)
    added.forEach(name => { Reflect.set(globalThis, name, target[name].bind(target)) })

    try {
      await start({ liveness: { interval: 3_600_000 } })
      const connection = await node.dial((await startPeer()).peerId)
      const pinged = pEvent(manager, 'connection:ping')
      globalThis.dispatchEvent(new Event('online'))
      await pinged

      expect(connection.rtt).to.be.at.least(0)
      await node.stop()
    } finally {
      added.forEach(name => { Reflect.deleteProperty(globalThis, name) })
    }
  })

  it('are closed in time when the user hangs up and the remote does not', async () => {
    await start({ connectionCloseTimeout: 200 })
    const connection = await node.dial((await startPeer()).peerId)
    connection.close = async () => new Promise<void>(() => {})
    await manager.closeConnections(connection.remotePeer)

    expect(connection.status).to.equal('aborted')
  })
})
