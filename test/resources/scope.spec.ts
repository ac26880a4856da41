import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { ConnectionLimitError, MemoryLimitError, StreamLimitError } from '../../src/resources/index.ts'
import { RealmReserves, RealmScope } from '../../src/resources/realm-reserves.ts'
import { ScopeRegistry } from '../../src/resources/scope-registry.ts'
import { Scope } from '../../src/resources/scope.ts'
import type { ResolvedLimits } from '../../src/resources/limit-table.ts'

function limitsOf (limits: Partial<ResolvedLimits> = {}): ResolvedLimits {
  const none = Infinity

  return { connections: none, connectionsInbound: none, connectionsOutbound: none, fileDescriptors: none, streams: none, streamsInbound: none, streamsOutbound: none, memory: none, reserved: 0, ...limits }
}

function scopeWith (limits: Partial<ResolvedLimits>): Scope {
  return new Scope(limitsOf(limits), 'system')
}

describe('resources/scope', () => {
  it('counts everything by direction, and together', () => {
    const counters = scopeWith({})
    counters.addConnections(3, 4, 5)
    counters.addStreams(6, 7)
    counters.addMemory(8)
    const usage = { connections: 7, connectionsInbound: 3, connectionsOutbound: 4, fileDescriptors: 5, streams: 13, streamsInbound: 6, streamsOutbound: 7, memory: 8 }
    expect(counters.usage()).to.deep.equal(usage)

    counters.addConnections(-3, -4, -5)
    counters.addStreams(-6, -7)
    counters.addMemory(-8)
    expect(new Set(Object.values(counters.usage()))).to.deep.equal(new Set([0]))
  })

  it('has a name that says where it belongs', () => {
    const protocol = new Scope(limitsOf(), '/p', 'protocol:')

    expect([scopeWith({}), protocol, new Scope(limitsOf(), 'A', `${protocol.name}.peer:`)].map(({ name, id }) => [name, id])).to.deep.equal([
      ['system', 'system'],
      ['protocol:/p', '/p'],
      ['protocol:/p.peer:A', 'A']
    ])
  })

  it('tells the limits that it has, and no others', () => {
    expect(scopeWith({}).stat().limits).to.deep.equal({})
    expect(scopeWith({ connections: 1, memory: 0 }).stat().limits).to.deep.equal({ connections: 1, memory: 0 })
    expect(scopeWith({ reserved: 1 }).stat().limits).to.deep.equal({ reserved: 1 })
  })

  const CONNECTIONS: Array<{ field: 'connections' | 'connectionsInbound' | 'connectionsOutbound' | 'fileDescriptors', one: [number, number, number], others: [number, number, number] }> = [
    { field: 'connectionsInbound', one: [1, 0, 0], others: [0, 1, 1] },
    { field: 'connectionsOutbound', one: [0, 1, 0], others: [1, 0, 1] },
    { field: 'connections', one: [1, 0, 0], others: [0, 0, 1] },
    { field: 'connections', one: [0, 1, 0], others: [0, 0, 1] },
    { field: 'fileDescriptors', one: [0, 0, 1], others: [1, 1, 0] }
  ]

  for (const { field, one, others } of CONNECTIONS) {
    it(`has room for as many ${field} as the limit says, ${one.join('/')} at a time`, () => {
      const scope = scopeWith({ [field]: 3 })
      scope.addConnections(one[0] * 2, one[1] * 2, one[2] * 2)
      scope.requireConnections(...one)
      scope.addConnections(...one)

      expect(() => { scope.requireConnections(...one) }).to.throw(ConnectionLimitError)
        .that.includes({ scope: 'system', resource: field, current: 3, requested: 1, limit: 3 })
      // what the limit is not about, and nothing at all
      scope.requireConnections(...others)
      scope.requireConnections(0, 0, 0)
    })
  }

  it('does not refuse what is not asked for, although a lowered limit is exceeded', () => {
    const scope = scopeWith({ connections: 1, connectionsInbound: 1, connectionsOutbound: 1, fileDescriptors: 1, streams: 1, streamsInbound: 1, streamsOutbound: 1, memory: 1 })
    scope.addConnections(2, 2, 2)
    scope.addStreams(2, 2)
    scope.addMemory(2)

    scope.requireConnections(0, 0, 0)
    scope.requireStreams(0, 0)
    scope.requireMemory(0, 'always')
    scope.requireMemory(-1, 'always')
  })

  it('asks for all of several connections at once', () => {
    const scope = scopeWith({ connections: 3 })
    scope.requireConnections(1, 2, 0)

    expect(() => { scope.requireConnections(2, 2, 0) }).to.throw(ConnectionLimitError)
      .that.includes({ resource: 'connections', current: 0, requested: 4, limit: 3 })
  })

  const STREAMS: Array<{ field: 'streams' | 'streamsInbound' | 'streamsOutbound', one: [number, number], other: [number, number] }> = [
    { field: 'streamsInbound', one: [1, 0], other: [0, 1] },
    { field: 'streamsOutbound', one: [0, 1], other: [1, 0] },
    { field: 'streams', one: [1, 0], other: [0, 0] },
    { field: 'streams', one: [0, 1], other: [0, 0] }
  ]

  for (const { field, one, other } of STREAMS) {
    it(`has room for as many ${field} as the limit says, ${one.join('/')} at a time`, () => {
      const scope = scopeWith({ [field]: 3 })
      scope.addStreams(one[0] * 2, one[1] * 2)
      scope.requireStreams(...one)
      scope.addStreams(...one)

      expect(() => { scope.requireStreams(...one) }).to.throw(StreamLimitError)
        .that.includes({ scope: 'system', resource: field, current: 3, requested: 1, limit: 3 })
      scope.requireStreams(...other)
    })
  }

  it('asks for all of several streams at once', () => {
    const scope = scopeWith({ streams: 3 })
    scope.requireStreams(1, 2)

    expect(() => { scope.requireStreams(2, 2) }).to.throw(StreamLimitError)
      .that.includes({ resource: 'streams', current: 0, requested: 4, limit: 3 })
  })

  it('has as much memory as the limit says, and less for what matters less', () => {
    const scope = scopeWith({ memory: 256 })
    scope.addMemory(100)
    scope.requireMemory(156, 'always')
    scope.requireMemory(2, 'low')

    expect(() => { scope.requireMemory(157, 'always') }).to.throw(MemoryLimitError)
      .that.includes({ scope: 'system', resource: 'memory', current: 100, requested: 157, limit: 256 })
    expect(() => { scope.requireMemory(3, 'low') }).to.throw(MemoryLimitError).with.property('limit', 102)
  })

  describe('of a realm', () => {
    it('tells how much of its reserve is not in use', () => {
      const reserves = new RealmReserves(Infinity)
      const realm = new RealmScope(reserves, limitsOf({ reserved: 2 }), 'chain')
      reserves.unused = realm.unusedReserve
      const unused = [1, 1, 1, -3].map(count => {
        realm.addConnections(count, 0, 0)

        return [realm.unusedReserve, reserves.unused]
      })

      expect(realm.name).to.equal('realm:chain')
      expect(unused).to.deep.equal([[1, 1], [0, 0], [0, 0], [2, 2]])
    })

    it('keeps what is reserved for it from others, whose peer is known', () => {
      const reserves = new RealmReserves(Infinity)
      const system = scopeWith({ connections: 5 })
      const transient = new Scope(limitsOf(), 'transient')
      const pool = { system, transient }
      const stranger = new Scope(limitsOf(), 'stranger')
      stranger.addConnections(1, 0, 0)
      const realm = new RealmScope(reserves, limitsOf({ reserved: 2 }), 'chain')
      const other = new RealmScope(reserves, limitsOf(), 'other')
      reserves.unused = 2
      // one of them may yet turn out to be of the realm
      system.addConnections(3, 0, 0)
      transient.addConnections(1, 0, 0)
      reserves.require(stranger, pool, undefined)
      transient.addConnections(-1, 0, 0)

      for (const realmOfStranger of [undefined, other]) {
        expect(() => { reserves.require(stranger, pool, realmOfStranger) }).to.throw(ConnectionLimitError)
          .that.includes({ scope: 'system', resource: 'connections', current: 3, requested: 1, limit: 3, message: '"system" has 3 of 3 connections in use, 1 more requested, and 2 are kept for realms' })
      }

      reserves.require(stranger, pool, realm)
      reserves.unused = 0
      reserves.require(stranger, pool, undefined)
      // that there is no room at all is for the system to say
      system.addConnections(2, 0, 0)
      reserves.require(stranger, pool, undefined)
    })
  })

  describe('in a registry', () => {
    it('stays as long as somebody holds it', () => {
      const registry = new ScopeRegistry(name => new Scope(limitsOf(), name, 'peer:'))
      const peeked = registry.peek('A')
      expect(peeked.id).to.equal('A')
      expect([...registry.values()]).to.deep.equal([])
      expect(registry.get('A')).to.be.undefined()

      const scope = registry.hold('A')
      expect(registry.hold('A')).to.equal(scope)
      expect(registry.peek('A')).to.equal(scope)
      expect([...registry.values()]).to.deep.equal([scope])

      registry.letGo(scope)
      expect(registry.get('A')).to.equal(scope)
      registry.letGo(scope)
      expect(registry.get('A')).to.be.undefined()
      expect(registry.hold('A')).to.not.equal(scope)
    })

    it('is there if somebody holds it, whoever else comes and goes', () => {
      const step = fc.record({ name: fc.constantFrom('A', 'B', 'C'), holds: fc.boolean() })

      fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const registry = new ScopeRegistry(name => new Scope(limitsOf(), name, 'peer:'))
        const held = new Map<string, Scope[]>()

        for (const { name, holds } of steps) {
          const scopes = held.get(name) ?? []

          if (holds) {
            const scope = registry.hold(name)
            expect(scope).to.equal(scopes[0] ?? scope)
            held.set(name, [...scopes, scope])
          } else if (scopes.length > 0) {
            registry.letGo(scopes[0])
            held.set(name, scopes.slice(1))
          }

          const expected = [...held.values()].flatMap(([scope]) => scope == null ? [] : [scope])
          expect([...registry.values()]).to.have.members(expected)
          expect(['A', 'B', 'C'].map(key => registry.get(key))).to.deep.equal(['A', 'B', 'C'].map(key => held.get(key)?.[0]))
        }
      }))
    })
  })
})
