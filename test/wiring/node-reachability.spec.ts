import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { AllowList } from '../../src/admission/index.ts'
import { ConnectionTable } from '../../src/core/index.ts'
import { evictionCandidates } from '../../src/wiring/eviction-candidates.ts'
import { NodeReachability } from '../../src/wiring/node-reachability.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import type { WhilePrivateConfig } from '../../src/outbound/index.ts'
import type { EvictionCandidatesComponents } from '../../src/wiring/eviction-candidates.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'

const RELAYED: StubConnectionInit = { limits: { seconds: 120 }, direct: false }

describe('wiring: what the manager knows of its reachability', () => {
  let table: ConnectionTable
  let emitted: unknown[]
  let changes: number
  let lowWater: number

  beforeEach(() => {
    table = new ConnectionTable()
    emitted = []
    changes = 0
    lowWater = 100
  })

  function create (config: WhilePrivateConfig = { outboundFactor: 2, keepRelays: true }): NodeReachability {
    const reachability = new NodeReachability({
      log: defaultLogger().forComponent('libp2p:connmgr:test'),
      emit: (_, detail) => { emitted.push(detail) },
      table,
      trimmer: { lowWater }
    }, config)
    reachability.onChange = () => { changes++ }

    return reachability
  }

  function open (openedAt: number, init: StubConnectionInit = {}): StubConnection {
    const connection = stubConnection({ ...init, openedAt })
    table.add(connection, openedAt)

    return connection
  }

  it('tells of every change, and of nothing else', () => {
    const reachability = create()
    reachability.change({ state: 'private', reason: 'unreachable' })
    reachability.change({ state: 'private', reason: 'unreachable' })
    reachability.change({ state: 'private', reason: 'no-gateway' })
    reachability.change({ state: 'public', reason: 'mapped' })
    reachability.reset()
    reachability.reset()

    expect(emitted).to.deep.equal([
      { state: 'private', reason: 'unreachable', previous: 'unknown', isPrivate: true },
      { state: 'private', reason: 'no-gateway', previous: 'private', isPrivate: true },
      { state: 'public', reason: 'mapped', previous: 'private', isPrivate: false },
      { state: 'unknown', reason: undefined, previous: 'public', isPrivate: false }
    ])
    expect(changes).to.equal(4)
  })

  it('takes only what is a state', () => {
    expect(() => { create().change({ state: 'double-nat' as 'private' }) }).to.throw().with.property('option', 'state')
    expect(emitted).to.be.empty()
  })

  it('is of no consequence where nothing shall be different', () => {
    const reachability = create(false)
    open(1, RELAYED)
    reachability.change({ state: 'private' })

    expect(reachability.whilePrivate).to.be.false()
    expect(reachability.spared()).to.be.undefined()
    expect(reachability.isSpared(open(2, RELAYED))).to.be.false()
    expect(emitted).to.deep.equal([{ state: 'private', reason: undefined, previous: 'unknown', isPrivate: false }])
  })

  it('spares relayed connections while nobody gets here in another way', () => {
    const reachability = create()
    const relayed = open(1, RELAYED)
    const direct = open(2)
    expect(reachability.spared()).to.be.undefined()
    expect(reachability.isSpared(relayed)).to.be.false()

    reachability.change({ state: 'private' })
    expect([...reachability.spared() ?? []]).to.have.lengthOf(1).that.includes(relayed)
    expect(reachability.isSpared(relayed)).to.be.true()
    expect(reachability.isSpared(direct)).to.be.false()

    reachability.change({ state: 'public' })
    expect(reachability.spared()).to.be.undefined()
  })

  it('spares none to peers that have a direct one', () => {
    const reachability = create()
    reachability.change({ state: 'private' })
    const remotePeer = stubPeerId()
    open(1, { ...RELAYED, remotePeer })
    open(2, { remotePeer })

    expect(reachability.spared()).to.be.undefined()
  })

  it('spares a quarter of the low watermark, the oldest ones', () => {
    lowWater = 8
    const reachability = create()
    reachability.change({ state: 'private' })
    const connections = [5, 1, 4, 2, 3].map(openedAt => open(openedAt, RELAYED))
    const spared = reachability.spared() ?? new Set()

    expect(connections.filter(connection => spared.has(connection)).map(({ timeline }) => timeline.open)).to.deep.equal([1, 2])
  })

  it('spares none if relays are not to be kept', () => {
    const reachability = create({ outboundFactor: 2, keepRelays: false })
    reachability.change({ state: 'private' })
    open(1, RELAYED)

    expect(reachability.spared()).to.be.undefined()
  })

  describe('whom to evict', () => {
    function candidates (reachability: NodeReachability): string[] {
      const components = {
        table,
        reachability,
        allowList: new AllowList([]),
        standing: { protection: { isProtected: () => false }, value: () => 0 },
        realms: { isReserved: () => false },
        replacements: { frees: () => true },
        discouraged: { hasPeer: () => false, hasIp: () => false }
      } as unknown as EvictionCandidatesComponents

      return evictionCandidates(components).map(({ id }) => id)
    }

    it('is one of those that are not relayed, as long as there are any', () => {
      const reachability = create()
      const relayed = open(1, RELAYED)
      const direct = open(2)
      expect(candidates(reachability)).to.have.members([relayed.id, direct.id])

      reachability.change({ state: 'private' })
      expect(candidates(reachability)).to.deep.equal([direct.id])

      table.remove(direct)
      expect(candidates(reachability)).to.deep.equal([relayed.id])
    })
  })
})
