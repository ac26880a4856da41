import { expect } from 'aegir/chai'
import { ConnectionLimitError, ResourceLimitError, resourceManager } from '../../src/resources/index.ts'
import { usagesOf } from './fixtures/usages.ts'
import type { Limits, ResourceManager } from '../../src/resources/index.ts'

function withLimits (limits: Limits): ResourceManager {
  return resourceManager({ limits, defaults: {} })
}

/**
 * How many connections each scope has
 */
function connections (resources: ResourceManager): Record<string, number> {
  return Object.fromEntries(
    Object.entries(usagesOf(resources.stat())).map(([scope, usage]) => [scope, usage.connections] as const).filter(([, count]) => count > 0)
  )
}

function refusal (run: () => unknown): ResourceLimitError {
  try {
    run()
  } catch (err) {
    expect(err).to.be.instanceOf(ResourceLimitError)

    return err as ResourceLimitError
  }

  throw new Error('was not refused')
}

describe('the scopes of a connection', () => {
  it('are system and transient until the peer is known, then system and peer', () => {
    const resources = withLimits({})
    const scope = resources.openConnection({ direction: 'inbound' })
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1 })

    scope.setPeer('A')
    expect(connections(resources)).to.deep.equal({ system: 1, 'peer:A': 1 })

    scope.release()
    expect(connections(resources)).to.deep.equal({})
  })

  it('are those of the peer at once when it is known, as for a dial', () => {
    const resources = withLimits({ transient: { connections: 0 } })
    resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain' })

    expect(connections(resources)).to.deep.equal({ system: 1, 'peer:A': 1, 'realm:chain': 1 })
  })

  it('stay what they were when the peer is over its limit', () => {
    const resources = withLimits({ peer: { connections: 1 } })
    resources.openConnection({ direction: 'outbound', peer: 'A' })
    const second = resources.openConnection({ direction: 'inbound' })
    const error = refusal(() => { second.setPeer('A') })

    expect(error).to.be.instanceOf(ConnectionLimitError)
    expect(error).to.include({ name: 'ConnectionLimitError', scope: 'peer:A', resource: 'connections', current: 1, requested: 1, limit: 1 })
    expect(error.message).to.equal('"peer:A" has 1 of 1 connections in use, 1 more requested')
    expect(connections(resources)).to.deep.equal({ system: 2, transient: 1, 'peer:A': 1 })

    second.release()
    expect(connections(resources)).to.deep.equal({ system: 1, 'peer:A': 1 })
  })

  it('stay what they were when the realm is over its limit', () => {
    const resources = withLimits({ realms: { chain: { connections: 0 } } })
    const scope = resources.openConnection({ direction: 'inbound' })

    expect(refusal(() => { scope.setPeer('A', 'chain') })).to.include({ scope: 'realm:chain' })
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1 })
    expect(resources.stat().realms).to.deep.equal({})
  })

  for (const [field, direction] of [['connections', 'inbound'], ['connectionsInbound', 'inbound'], ['connectionsOutbound', 'outbound']] as const) {
    it(`limit ${field}`, () => {
      const resources = withLimits({ system: { [field]: 1 } })
      const scope = resources.openConnection({ direction })

      expect(refusal(() => resources.openConnection({ direction }))).to.include({ scope: 'system', resource: field, current: 1, limit: 1 })
      expect(connections(resources)).to.deep.equal({ system: 1, transient: 1 })

      scope.release()
      resources.openConnection({ direction })
    })
  }

  it('limit file descriptors of the connections that need one', () => {
    const resources = withLimits({ system: { fileDescriptors: 1 } })
    resources.openConnection({ direction: 'inbound', fileDescriptor: true })
    resources.openConnection({ direction: 'inbound' })

    expect(refusal(() => resources.openConnection({ direction: 'inbound', fileDescriptor: true })))
      .to.include({ name: 'ConnectionLimitError', resource: 'fileDescriptors', limit: 1 })
    expect(connections(resources)).to.deep.equal({ system: 2, transient: 2 })
  })

  it('can be released twice', () => {
    const resources = withLimits({})
    const first = resources.openConnection({ direction: 'inbound' })
    resources.openConnection({ direction: 'inbound' })
    first.release()
    first.release()

    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1 })
  })

  it('can not be used after the release', () => {
    const resources = withLimits({})
    const scope = resources.openConnection({ direction: 'inbound' })
    scope.release()

    expect(() => { scope.setPeer('A') }).to.throw().with.property('name', 'ScopeStateError')
    expect(() => { scope.reserveMemory(1) }).to.throw().with.property('name', 'ScopeStateError')
    expect(() => resources.openStream({ connection: scope, direction: 'inbound' })).to.throw().with.property('name', 'ScopeStateError')
    expect(connections(resources)).to.deep.equal({})
  })

  it('know one peer', () => {
    const scope = withLimits({}).openConnection({ direction: 'inbound', peer: 'A' })

    expect(() => { scope.setPeer('B') }).to.throw().with.property('name', 'ScopeStateError')
    expect(scope.peer).to.equal('A')
  })

  it('are dropped when nothing is open', () => {
    const resources = withLimits({})

    for (let i = 0; i < 100; i++) {
      const connection = resources.openConnection({ direction: 'inbound', peer: `${i}`, realm: `${i}` })
      resources.openStream({ connection, direction: 'inbound' }).setProtocol(`/${i}`)
      connection.release()
    }

    expect(resources.stat()).to.deep.include({ peers: {}, realms: {}, protocols: {}, services: {} })
  })
})

describe('allow-listed connections', () => {
  const limits: Limits = { system: { connections: 1 }, allowListed: { connections: 1 } }

  it('use what is kept for them only when there is no other room', () => {
    const resources = withLimits(limits)
    const first = resources.openConnection({ direction: 'inbound', allowListed: true })
    expect(first.usesAllowList).to.equal(false)

    const second = resources.openConnection({ direction: 'inbound', allowListed: true })
    expect(second.usesAllowList).to.equal(true)
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1, allowListed: 1, allowListedTransient: 1 })

    expect(refusal(() => resources.openConnection({ direction: 'inbound', allowListed: true }))).to.include({ scope: 'allowListed' })

    second.setPeer('A')
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1, allowListed: 1, 'peer:A': 1 })
  })

  it('count as any other when the peer turns out not to be allow-listed', () => {
    const resources = withLimits(limits)
    const first = resources.openConnection({ direction: 'inbound' })
    const second = resources.openConnection({ direction: 'inbound', allowListed: true })

    expect(refusal(() => { second.leaveAllowList() })).to.include({ scope: 'system' })
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1, allowListed: 1, allowListedTransient: 1 })

    first.release()
    second.leaveAllowList()
    expect(second.usesAllowList).to.equal(false)
    expect(connections(resources)).to.deep.equal({ system: 1, transient: 1 })
  })
})

describe('the realm of a connection', () => {
  it('can change, and takes the streams along', () => {
    const resources = withLimits({})
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A', realm: 'chain' })
    const stream = resources.openStream({ connection, direction: 'outbound' })
    stream.reserveMemory(10)
    connection.setRealm('files')

    expect(resources.stat().realms).to.have.all.keys('files')
    expect(resources.scopeStat('realm:files')?.usage).to.include({ connections: 1, streams: 1, memory: 10 })

    connection.setRealm(undefined)
    expect(resources.stat().realms).to.deep.equal({})

    stream.release()
    expect(resources.stat().system.usage).to.include({ connections: 1, streams: 0, memory: 0 })
  })

  it('stays what it was when the other has no room', () => {
    const resources = withLimits({ realms: { files: { streams: 0 } } })
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A', realm: 'chain' })
    resources.openStream({ connection, direction: 'outbound' })

    expect(refusal(() => { connection.setRealm('files') })).to.include({ name: 'StreamLimitError', scope: 'realm:files' })
    expect(connections(resources)).to.deep.include({ 'realm:chain': 1 })
    expect(connection.realm).to.equal('chain')
  })

  it('changes for all connections of a peer, or for none', () => {
    const resources = withLimits({ realms: { chain: { connections: 1 } } })
    resources.openConnection({ direction: 'inbound', peer: 'A' })
    const second = resources.openConnection({ direction: 'outbound', peer: 'A' })

    expect(refusal(() => { resources.setPeerRealm('A', 'chain') })).to.include({ scope: 'realm:chain', current: 0, requested: 2, limit: 1 })
    expect(resources.stat().realms).to.deep.equal({})

    second.release()
    resources.setPeerRealm('A', 'chain')
    expect(connections(resources)).to.deep.equal({ system: 1, 'peer:A': 1, 'realm:chain': 1 })
  })

  it('counts a stream once that is in the realm for its connection and for its protocol', () => {
    const resources = resourceManager({ defaults: {}, realmOfProtocol: () => 'chain' })
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A' })
    const stream = resources.openStream({ connection, direction: 'inbound' })
    stream.setProtocol('/chain')
    expect(resources.scopeStat('realm:chain')?.usage).to.include({ connections: 0, streams: 1 })

    connection.setRealm('chain')
    expect(resources.scopeStat('realm:chain')?.usage).to.include({ connections: 1, streams: 1 })

    connection.setRealm('files')
    expect(resources.scopeStat('realm:chain')?.usage).to.include({ connections: 0, streams: 1 })
    expect(resources.scopeStat('realm:files')?.usage).to.include({ connections: 1, streams: 1 })

    stream.release()
    expect(resources.stat().realms).to.have.all.keys('files')
  })
})

describe('a connection for which there is no place', () => {
  it('gets that of another one that is given up for it, and nothing is told of a refusal', () => {
    const refused: unknown[] = []
    const resources = resourceManager({ limits: { system: { connections: 1 } }, defaults: {}, onRefused: error => { refused.push(error) } })
    const first = resources.openConnection({ direction: 'inbound' })
    const onFull = (): boolean => {
      first.release()

      return true
    }

    const second = resources.openConnection({ direction: 'outbound', peer: 'A', onFull })
    expect(second.released).to.be.false()
    expect(refused).to.be.empty()
    expect(refusal(() => resources.openConnection({ direction: 'inbound', onFull: () => false }))).to.include({ scope: 'system' })
    // asked once
    expect(refusal(() => resources.openConnection({ direction: 'inbound', onFull }))).to.include({ scope: 'system' })
    expect(refused).to.have.lengthOf(2)
    expect(resources.stat().system.usage.connections).to.equal(1)
  })

  it('is not asked for where another limit refuses it', () => {
    const resources = withLimits({ system: { connections: 2 }, peer: { connections: 1 } })
    resources.openConnection({ direction: 'inbound' }).setPeer('A')
    const onFull = (): boolean => { throw new Error('was asked') }

    expect(refusal(() => resources.openConnection({ direction: 'outbound', peer: 'A', onFull }))).to.include({ scope: 'peer:A' })
  })
})

describe('the reserve of a realm', () => {
  it('is kept from connections that are not of the realm', () => {
    const resources = withLimits({ system: { connections: 4 }, realms: { chain: { reserved: 2 } } })
    expect(resources.stat().unusedReserve).to.equal(2)

    resources.openConnection({ direction: 'outbound', peer: 'A' })
    resources.openConnection({ direction: 'inbound' }).setPeer('B')

    expect(refusal(() => resources.openConnection({ direction: 'outbound', peer: 'C' }))).to.include({ scope: 'system', current: 2, limit: 2 })
    const unknown = resources.openConnection({ direction: 'inbound' })
    expect(refusal(() => { unknown.setPeer('C', 'files') }).message).to.include('2 are kept for realms')

    unknown.setPeer('D', 'chain')
    resources.openConnection({ direction: 'inbound' }).setPeer('E', 'chain')
    expect(resources.stat()).to.include({ unusedReserve: 0 })
    expect(resources.stat().system.usage.connections).to.equal(4)
  })

  it('is kept of maxConnections, and of what else may be inbound', () => {
    const realms = { chain: { reserved: 2 } }
    const inbound = (resources: ReturnType<typeof withLimits>, peer: string, realm?: string): void => {
      resources.openConnection({ direction: 'inbound', fileDescriptor: true }).setPeer(peer, realm)
    }

    for (const [scope, resource, resources] of [
      ['maxConnections', 'connections', resourceManager({ limits: { realms }, defaults: {}, maxConnections: 3 })],
      ['system', 'connectionsInbound', withLimits({ system: { connectionsInbound: 3 }, realms })],
      ['system', 'fileDescriptors', withLimits({ system: { fileDescriptors: 3 }, realms })]
    ] as const) {
      inbound(resources, 'A')
      expect(refusal(() => { inbound(resources, 'B') })).to.include({ scope, resource, current: 1, limit: 1 })
      inbound(resources, 'C', 'chain')
      expect(resources.unusedReserve).to.equal(1)
    }
  })

  it('leaves the rest of the places to all, and more of them while it is used', () => {
    const resources = resourceManager({ limits: { system: { connections: 10, connectionsInbound: 4, connectionsOutbound: 5 }, realms: { chain: { reserved: 2 } } }, defaults: {}, maxConnections: 20 })
    expect(resources.places).to.equal(7)

    resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain' })
    expect(resources.places).to.equal(8)
    resources.maxConnections = 4
    expect(resources.places).to.equal(3)
    expect(resourceManager({ limits: false, maxConnections: 5 })).to.include({ places: 5, unusedReserve: 0 })
  })

  it('can not be more than there may be', () => {
    const realms = { chain: { reserved: 4, connections: 8 } }

    expect(() => resourceManager({ limits: { realms }, defaults: {}, maxConnections: 3 })).to.throw()
      .with.property('message', '"limits.realms" must be such that the realms reserve no more than the 3 connections of "maxConnections" together, got 4')
    expect(() => withLimits({ system: { connectionsInbound: 1, connectionsOutbound: 2 }, realms })).to.throw().with.property('option', 'limits.realms')
    expect(() => withLimits({ realms: { chain: { reserved: 9, connections: 8 } } })).to.throw()
      .with.property('message', '"limits.realms.chain.reserved" must be at most what the realm may have, its "connections" (8), got 9')

    const resources = resourceManager({ limits: { realms }, defaults: {}, maxConnections: 10 })
    expect(() => { resources.maxConnections = 3 }).to.throw().with.property('value', 4)
    expect(() => { resources.setLimit('realm:chain', { reserved: 9 }) }).to.throw().with.property('option', 'realm:chain.reserved')
    expect(resources).to.include({ maxConnections: 10, unusedReserve: 4 })
  })

  it('is no more than a realm may have that is limited at run time', () => {
    const resources = withLimits({ system: { connections: 4 }, realms: { chain: { reserved: 4 } } })
    resources.setLimit('realm:chain', { connections: 'blockAll' })

    expect(resources.unusedReserve).to.equal(0)
    resources.openConnection({ direction: 'outbound', peer: 'A' })
  })

  it('comes back when connections of the realm close', () => {
    const resources = withLimits({ system: { connections: 2 }, realms: { chain: { reserved: 1 } } })
    const scope = resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain' })
    scope.release()

    resources.openConnection({ direction: 'outbound', peer: 'B' })
    expect(refusal(() => resources.openConnection({ direction: 'outbound', peer: 'C' }))).to.include({ scope: 'system' })
  })

  it('is not kept from allow-listed connections that use what is kept for them', () => {
    const resources = withLimits({ system: { connections: 1 }, allowListed: { connections: 1 }, realms: { chain: { reserved: 1 } } })
    const scope = resources.openConnection({ direction: 'outbound', peer: 'A', allowListed: true })

    expect(scope.usesAllowList).to.equal(true)
    expect(resources.stat().unusedReserve).to.equal(1)
  })

  it('can change at run time', () => {
    const resources = withLimits({ system: { connections: 2 } })
    resources.openConnection({ direction: 'outbound', peer: 'A' })
    resources.setLimit('realm:chain', { reserved: 1 })
    expect(refusal(() => resources.openConnection({ direction: 'outbound', peer: 'B' }))).to.include({ scope: 'system' })

    resources.setLimit('realm:chain', { reserved: 0 })
    resources.openConnection({ direction: 'outbound', peer: 'B' })
  })

  it('can not be more than there is', () => {
    expect(() => withLimits({ system: { connections: 8 }, realms: { a: { reserved: 5 }, b: { reserved: 4 } } }))
      .to.throw().with.property('option', 'limits.realms')

    const resources = withLimits({ system: { connections: 8 } })
    expect(() => { resources.setLimit('realm:chain', { reserved: 9 }) }).to.throw().with.property('option', 'realm:chain')
    expect(resources.stat().unusedReserve).to.equal(0)
  })

  it('is kept from the inbound connections of others by each of the limits, and from dials by that of all connections only', () => {
    const realms = { chain: { reserved: 2 } }
    const stranger = (resources: ResourceManager, fileDescriptor: boolean): void => {
      resources.openConnection({ direction: 'inbound', fileDescriptor }).setPeer('A')
    }
    const dial = (resources: ResourceManager): void => { resources.openConnection({ direction: 'outbound', peer: 'B', fileDescriptor: true }) }

    const few = resourceManager({ limits: { realms }, defaults: {}, maxConnections: 3 })
    stranger(few, true)
    expect(refusal(() => { stranger(few, true) })).to.include({ resource: 'connections', current: 1, limit: 1 })
    dial(few)

    const inbound = withLimits({ system: { connectionsInbound: 3 }, realms })
    stranger(inbound, true)
    expect(refusal(() => { stranger(inbound, true) })).to.include({ resource: 'connectionsInbound', current: 1, limit: 1 })
    dial(inbound)

    const descriptors = withLimits({ system: { fileDescriptors: 3 }, realms })
    stranger(descriptors, true)
    expect(refusal(() => { stranger(descriptors, true) })).to.include({ resource: 'fileDescriptors', current: 1, limit: 1 })
    stranger(descriptors, false)
    dial(descriptors)
  })
})
