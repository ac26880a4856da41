import { expect } from 'aegir/chai'
import { MemoryLimitError, resourceManager } from '../../src/resources/index.ts'
import type { ConnectionScope, Limits, MemoryPriority, ResourceManager, StreamScope } from '../../src/resources/index.ts'

const MiB = 2 ** 20

function withStream (limits: Limits): { resources: ResourceManager, connection: ConnectionScope, stream: StreamScope } {
  const resources = resourceManager({ limits, defaults: {} })
  const connection = resources.openConnection({ direction: 'inbound', peer: 'A', realm: 'chain' })
  const stream = resources.openStream({ connection, direction: 'inbound' })
  stream.setProtocol('/p')
  stream.setService('s')

  return { resources, connection, stream }
}

function memory (resources: ResourceManager): number[] {
  return ['system', 'realm:chain', 'peer:12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8', 'protocol:/p', 'service:s']
    .map(scope => resources.scopeStat(scope)?.usage.memory ?? 0)
}

describe('memory reservations', () => {
  for (const [priority, share] of [['low', 102], ['medium', 153], ['high', 204], ['always', 256]] as Array<[MemoryPriority, number]>) {
    it(`of priority ${priority} fill ${share} of 256 MiB`, () => {
      const { connection } = withStream({ system: { memory: 256 * MiB } })
      connection.reserveMemory(share * MiB, priority)

      expect(() => { connection.reserveMemory(1, priority) }).to.throw(MemoryLimitError)
        .that.includes({ name: 'MemoryLimitError', scope: 'system', resource: 'memory', current: share * MiB, requested: 1, limit: share * MiB })
    })
  }

  it('are exact for the largest limit there is', () => {
    const { connection } = withStream({ system: { memory: Number.MAX_SAFE_INTEGER } })

    connection.reserveMemory(Number.MAX_SAFE_INTEGER)
    expect(() => { connection.reserveMemory(1) }).to.throw(MemoryLimitError)
  })

  it('are not limited where nothing says so', () => {
    const { connection } = withStream({})

    connection.reserveMemory(Number.MAX_SAFE_INTEGER, 'low')
  })

  it('count in every scope, and are given back by the release', () => {
    const { resources, connection, stream } = withStream({})
    connection.reserveMemory(1)
    stream.reserveMemory(10)

    expect(memory(resources)).to.deep.equal([11, 11, 0, 10, 10])
    expect(resources.stat().peers.A.usage.memory).to.equal(11)
    expect(resources.stat().protocols['/p'].peers.A.usage.memory).to.equal(10)

    stream.release()
    expect(memory(resources)).to.deep.equal([1, 1, 0, 0, 0])

    connection.release()
    expect(memory(resources)).to.deep.equal([0, 0, 0, 0, 0])
  })

  it('change nothing when one scope has no room', () => {
    const { resources, stream } = withStream({ system: { memory: 100 } })
    stream.reserveMemory(60)
    const before = resources.stat()

    expect(() => { stream.reserveMemory(41) }).to.throw(MemoryLimitError)
    expect(resources.stat()).to.deep.equal(before)
  })

  it('follow a stream to its protocol, which may have no room for them', () => {
    const resources = resourceManager({ limits: { protocol: { memory: 5 } }, defaults: {} })
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A' })
    const stream = resources.openStream({ connection, direction: 'inbound' })
    stream.reserveMemory(6)

    expect(() => { stream.setProtocol('/p') }).to.throw(MemoryLimitError).that.includes({ scope: 'protocol:/p' })
    expect(resources.stat().protocols).to.deep.equal({})
  })

  it('give back no more than was taken', () => {
    const { resources, connection, stream } = withStream({})
    connection.reserveMemory(1)
    stream.reserveMemory(10)
    connection.releaseMemory(100)
    stream.releaseMemory(4)

    expect(memory(resources)).to.deep.equal([6, 6, 0, 6, 6])
  })

  it('refuse what is not a number of bytes', () => {
    const { connection } = withStream({})

    for (const bytes of [-1, 1.5, NaN, Infinity]) {
      expect(() => { connection.reserveMemory(bytes) }).to.throw().with.property('option', 'bytes')
      expect(() => { connection.releaseMemory(bytes) }).to.throw().with.property('option', 'bytes')
    }

    expect(() => { connection.reserveMemory(-1) }).to.throw().with.property('message').that.includes('a whole number that is not negative')
    // as JavaScript may pass it
    expect(() => { connection.reserveMemory(1, 'urgent' as MemoryPriority) }).to.throw().with.property('option', 'priority')
    expect(() => { connection.reserveMemory(1, 'urgent' as MemoryPriority) }).to.throw().with.property('message').that.includes('low, medium, high, always')
  })

  it('may be of nothing', () => {
    const { resources, connection } = withStream({ system: { memory: 1 } })
    connection.reserveMemory(0)
    connection.releaseMemory(0)

    expect(memory(resources)[0]).to.equal(0)
  })

  it('can not be made after the release, and what is given back then changes nothing', () => {
    const { resources, connection, stream } = withStream({})
    connection.reserveMemory(1)
    stream.reserveMemory(2)
    stream.release()
    stream.releaseMemory(1)

    expect(() => { stream.reserveMemory(1) }).to.throw().that.includes({ name: 'ScopeStateError', message: '"stream:2" has been released' })
    expect(memory(resources)[0]).to.equal(1)
  })
})

describe('spans', () => {
  it('give everything back at once, what is in inner spans too', () => {
    const { resources, stream } = withStream({})
    const span = stream.beginSpan()
    const inner = span.beginSpan()
    span.reserveMemory(1)
    inner.reserveMemory(10)
    stream.reserveMemory(100)
    expect(span.memory).to.equal(11)
    expect(memory(resources)[0]).to.equal(111)

    span.release()
    expect(memory(resources)[0]).to.equal(100)
    expect(inner.released).to.equal(true)

    span.release()
    inner.release()
    span.releaseMemory(1)
    inner.releaseMemory(1)
    expect(memory(resources)[0]).to.equal(100)
  })

  it('end with what they belong to', () => {
    const { resources, connection, stream } = withStream({})
    const span = stream.beginSpan()
    span.reserveMemory(10)
    connection.release()

    expect(span).to.include({ released: true, memory: 0 })
    expect(() => { span.reserveMemory(1) }).to.throw().with.property('name', 'ScopeStateError')
    expect(() => span.beginSpan()).to.throw().with.property('name', 'ScopeStateError')

    span.release()
    expect(memory(resources)[0]).to.equal(0)
  })

  it('keep their memory when the owner gives back its own', () => {
    const { resources, stream } = withStream({})
    const span = stream.beginSpan()
    stream.reserveMemory(1)
    span.reserveMemory(10)
    stream.releaseMemory(100)
    expect(memory(resources)[0]).to.equal(10)

    span.releaseMemory(4)
    expect(memory(resources)[0]).to.equal(6)
    span.releaseMemory(100)
    expect(memory(resources)[0]).to.equal(0)
  })

  it('hold the limits of their owners', () => {
    const { resources, stream } = withStream({ stream: { memory: 10 } })
    const span = stream.beginSpan().beginSpan()

    expect(() => { span.reserveMemory(11) }).to.throw(MemoryLimitError).that.includes({ scope: 'stream:2' })
    resources.setLimit('stream', { memory: 11 })
    span.reserveMemory(11)
  })

  it('can be taken from a service itself, which stays for as long', () => {
    const resources = resourceManager({ limits: { services: { relay: { memory: 10 } } }, defaults: {} })
    const span = resources.beginSpan('service:relay')
    span.reserveMemory(10)
    expect(resources.stat().services.relay.usage.memory).to.equal(10)
    expect(resources.stat().system.usage.memory).to.equal(10)
    expect(() => { resources.beginSpan('service:relay').reserveMemory(1) }).to.throw(MemoryLimitError).that.includes({ scope: 'service:relay' })

    span.release()
    span.release()
    expect(resources.beginSpan('service:relay').name).to.equal('service:relay.span')
    expect(resources.stat().system.usage.memory).to.equal(0)
  })

  it('keep a scope each, however often one of them is released', () => {
    const resources = resourceManager({ defaults: {} })
    const [first, second] = [resources.beginSpan('service:relay'), resources.beginSpan('service:relay')]
    first.release()
    first.release()
    expect(resources.stat().services).to.have.keys('relay')

    second.release()
    expect(resources.stat().services).to.deep.equal({})
  })

  it('can not be taken from what is not one scope', () => {
    const resources = resourceManager({ defaults: {} })

    for (const scope of ['peer', 'protocolPeer:/p', 'connection', 'nothing', 'system:x', 'realm:', '']) {
      expect(() => resources.beginSpan(scope), scope).to.throw().with.property('option', 'scope')
    }
  })
})
