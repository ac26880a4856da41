import { peerIdFromMultihash } from '@libp2p/peer-id'
import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { recordDecisions } from '../../src/wiring/decisions-recorder.ts'
import { DecisionLog } from '../../src/wiring/decisions.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Decision, DecisionFilter } from '../../src/index.ts'
import type { ConnectionManagerEvents } from '../../src/wiring/index.ts'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/4001')

/**
 * How many of the same kind come later
 */
function newerOf (kinds: string[], i: number): number {
  return kinds.slice(i + 1).filter(kind => kind === kinds[i]).length
}

/**
 * All buffers and texts that can be reached from a value, through its private fields of
 * TypeScript too
 */
function reachableFrom (root: unknown): { buffers: ArrayBufferLike[], texts: string[] } {
  const seen = new Set<unknown>()
  const buffers: ArrayBufferLike[] = []
  const texts: string[] = []
  const open = [root]

  while (open.length > 0) {
    const value = open.pop()

    if (typeof value === 'string') {
      texts.push(value)
    }

    if (typeof value !== 'object' || value == null || seen.has(value)) {
      continue
    }

    seen.add(value)

    if (ArrayBuffer.isView(value)) {
      buffers.push(value.buffer)
    } else if (isMultiaddr(value)) {
      // its fields cannot be seen
      open.push(value.getComponents())
    } else {
      open.push(...value instanceof Map ? [...value.entries()].flat() : Reflect.ownKeys(value).map(key => Reflect.get(value, key) as unknown))
    }
  }

  return { buffers, texts }
}

describe('wiring/decisions', () => {
  let clock: VirtualClock
  let log: DecisionLog

  beforeEach(() => {
    clock = new VirtualClock(1_000)
    log = new DecisionLog(clock, 3)
  })

  function reasons (filter?: DecisionFilter): string[] {
    return log.list(filter).map(({ reason }) => reason)
  }

  it('are listed in the order in which they were made', async () => {
    log.add('refuse', { reason: 'first' })
    await clock.advance(10)
    log.add('ban', { reason: 'second' })
    log.add('refuse', { reason: 'third' })

    expect(log.list().map(({ time, kind, reason }) => [time, kind, reason])).to.deep.equal([
      [1_000, 'refuse', 'first'],
      [1_010, 'ban', 'second'],
      [1_010, 'refuse', 'third']
    ])
  })

  it('can be asked for by time, peer, kind and number', async () => {
    const [a, b] = [stubPeerId(), stubPeerId()]
    log.add('refuse', { peer: a, reason: 'a-refused' })
    await clock.advance(10)
    log.add('ban', { peer: a.toString(), reason: 'a-banned' })
    log.add('ban', { peer: b, reason: 'b-banned' })

    expect(reasons({ since: 1_010 })).to.deep.equal(['a-banned', 'b-banned'])
    expect(reasons({ peer: a })).to.deep.equal(['a-refused', 'a-banned'])
    expect(reasons({ peer: a.toString() })).to.deep.equal(['a-refused', 'a-banned'])
    expect(reasons({ kind: 'ban' })).to.deep.equal(['a-banned', 'b-banned'])
    expect(reasons({ kind: ['refuse', 'ban'] })).to.have.lengthOf(3)
    expect(reasons({ limit: 1 })).to.deep.equal(['b-banned'])
    expect(reasons({ limit: 0 })).to.deep.equal([])
    expect(reasons({ kind: 'ban', peer: b, since: 1_010, limit: 5 })).to.deep.equal(['b-banned'])
  })

  it('are found by the peer in an address', () => {
    const peer = stubPeerId()
    log.add('refuse', { address: ADDRESS.encapsulate(`/p2p/${peer.toString()}`), reason: 'rate' })

    expect(log.list({ peer })).to.have.lengthOf(1)
    expect(log.list()[0]).to.have.property('peer', peer.toString())
  })

  it('are forgotten when there are newer ones of the same kind, and of no other', () => {
    log.add('ban', { reason: 'important' })

    for (let i = 0; i < 100; i++) {
      log.add('refuse', { reason: `${i}` })
    }

    expect(reasons()).to.deep.equal(['important', '97', '98', '99'])
  })

  it('are never more than there is room for, and the last ones in order', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('refuse', 'ban', 'trim'), { maxLength: 40 }), kinds => {
      const log = new DecisionLog(clock, 3)
      kinds.forEach((kind, i) => { log.add(kind, { reason: `${i}` }) })

      const expected = [...kinds.keys()].filter(i => newerOf(kinds, i) < 3)
      expect(log.list().map(({ reason }) => Number(reason))).to.deep.equal(expected)
    }))
  })

  it('keep nothing of the buffers that peer ids and addresses were received in', () => {
    const received = new Uint8Array(64 * 1024)
    const peer = stubPeerId()
    const hash = peer.toMultihash()
    const id = hash.bytes
    const { bytes } = ADDRESS.encapsulate(`/p2p/${peer.toString()}`)
    received.set(id, 0)
    received.set(bytes, id.length)

    log.add('evict', {
      peer: peerIdFromMultihash({ ...hash, bytes: received.subarray(0, id.length), digest: received.subarray(id.length - hash.digest.length, id.length) }),
      address: multiaddr(received.subarray(id.length, id.length + bytes.length)),
      reason: 'node'
    })

    const { buffers, texts } = reachableFrom(log)
    expect(texts).to.include.members(['node', peer.toString()])
    expect(buffers).to.deep.equal([])
    expect(log.list()[0]).to.include({ peer: peer.toString(), address: `${ADDRESS.toString()}/p2p/${peer.toString()}` })
  })

  it('answer plainly what cannot be found', () => {
    log.add('refuse', { reason: 'rate', address: ADDRESS })

    expect(log.list({ peer: stubPeerId() })).to.deep.equal([])
    expect(log.list({ peer: 'not a peer' })).to.deep.equal([])
    expect(log.list({ kind: 'nonsense' as 'ban' })).to.deep.equal([])
    expect(log.list({ since: Infinity })).to.deep.equal([])
    expect(log.list({ limit: -1 })).to.deep.equal([])
  })

  it('refuse what is no number', () => {
    expect(() => log.list({ since: 'yesterday' as unknown as number })).to.throw('since').with.property('name', 'InvalidParametersError')
    expect(() => log.list({ limit: NaN })).to.throw('limit')
  })

  describe('that events tell of', () => {
    let events: TypedEventEmitter<ConnectionManagerEvents>

    beforeEach(() => {
      events = new TypedEventEmitter()
      log = new DecisionLog(clock)
      recordDecisions(log, events)
    })

    function emit <K extends keyof ConnectionManagerEvents> (type: K, detail: ConnectionManagerEvents[K]['detail']): Decision[] {
      events.safeDispatchEvent(type, { detail })

      return log.list()
    }

    it('have the scope of a refusal, how much of it was in use, and its limit', () => {
      const peer = stubPeerId().toString()
      const [decision] = emit('connection:refuse', { reason: 'resources', remoteAddr: ADDRESS, scope: `peer:${peer}`, current: 8, limit: 8 })

      expect(decision).to.deep.equal({
        time: 1_000,
        kind: 'refuse',
        peer,
        address: ADDRESS.toString(),
        reason: 'resources',
        details: { scope: `peer:${peer}`, current: 8, limit: 8 }
      })
    })

    it('have each connection that a trim has closed, and the trim', () => {
      const connection = stubConnection()
      const { direction, remotePeer } = connection
      const decisions = emit('connection:trim', {
        reason: 'high-water',
        before: 10,
        wanted: 2,
        closed: [{ connection, peerId: remotePeer, value: 5, duplicate: false, streams: 1, direction, age: 60_000 }],
        kept: { protected: 3, inGrace: 0, allowListed: 0 },
        complete: false
      })

      expect(decisions.map(({ kind, peer, details }) => ({ kind, peer, details }))).to.deep.equal([
        { kind: 'trimmed', peer: remotePeer.toString(), details: { value: 5, duplicate: false, streams: 1, direction, age: 60_000 } },
        { kind: 'trim', peer: undefined, details: { before: 10, wanted: 2, closed: 1, protected: 3, inGrace: 0, allowListed: 0, complete: false } }
      ])
    })

    it('are plain data, whatever they are about', () => {
      const connection = stubConnection()
      const peerId = connection.remotePeer
      emit('connection:evict', { connection, peerId })
      emit('connection:dead', { connection, peerId, remoteAddr: connection.remoteAddr, misses: 3, networkChanged: false })
      emit('connection:recycle', { connection, reason: 'stalled' })
      emit('connection:upgrade', { peerId, from: connection, to: connection })
      emit('peer:ban', { kind: 'network', target: '10.0.0.0/8', created: 1, expires: Infinity })
      emit('peer:unban', { ban: { kind: 'peer', target: peerId.toString(), created: 1, expires: 2, reason: 'spam' }, cause: 'expired' })
      emit('peer:discourage', peerId)
      emit('peer:protect', { peerId, tag: 'kept', isProtected: true })
      emit('peer:unprotect', { peerId, tag: 'kept', isProtected: false })
      emit('realm:assign', { peer: peerId, realm: 'chain', source: 'assigned', previous: undefined })
      emit('realm:limit', { realm: 'chain', kept: 2 })
      emit('dial:end', { peerId, outcome: 'failed', duration: 10, error: new Error('x'.repeat(10_000)) })
      emit('watermark:cross', { watermark: 'high', direction: 'up', level: 10, connections: 11 })
      const decisions = emit('reachability:change', { state: 'private', reason: 'unreachable', previous: 'unknown', isPrivate: true })

      expect(JSON.parse(JSON.stringify(decisions))).to.deep.equal(decisions)
      expect(decisions.map(({ kind }) => kind)).to.deep.equal(['evict', 'dead', 'recycle', 'upgrade', 'ban', 'unban', 'discourage', 'protect', 'unprotect', 'realm', 'realm-limit', 'dial', 'watermark', 'reachability'])
      expect(JSON.stringify(decisions).length).to.be.lessThan(10_000)
    })

    it('do not have dials that succeeded', () => {
      expect(emit('dial:end', { peerId: stubPeerId(), outcome: 'success', duration: 10 })).to.deep.equal([])
    })
  })
})
