import { expect } from 'aegir/chai'
import { StreamLimitError, resourceManager } from '../../src/resources/index.ts'
import { usagesOf } from './fixtures/usages.ts'
import type { ConnectionScope, Limits, ResourceManager } from '../../src/resources/index.ts'

function withConnection (limits: Limits): { resources: ResourceManager, connection: ConnectionScope } {
  const resources = resourceManager({ limits, defaults: {} })

  return { resources, connection: resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain' }) }
}

/**
 * How many streams each scope has
 */
function streams (resources: ResourceManager): Record<string, number> {
  return Object.fromEntries(
    Object.entries(usagesOf(resources.stat())).map(([scope, usage]) => [scope, usage.streams] as const).filter(([, count]) => count > 0)
  )
}

describe('the scopes of a stream', () => {
  it('grow as more is known of it', () => {
    const { resources, connection } = withConnection({})
    const stream = resources.openStream({ connection, direction: 'inbound' })
    const base = { system: 1, 'peer:A': 1, 'realm:chain': 1 }
    expect(streams(resources)).to.deep.equal({ ...base, transient: 1 })

    stream.setProtocol('/p')
    expect(streams(resources)).to.deep.equal({ ...base, 'protocol:/p': 1, 'protocol:/p.peer:A': 1 })

    stream.setService('s')
    expect(streams(resources)).to.deep.equal({ ...base, 'protocol:/p': 1, 'protocol:/p.peer:A': 1, 'service:s': 1, 'service:s.peer:A': 1 })
    expect(stream).to.include({ peer: 'A', protocol: '/p', service: 's' })

    stream.release()
    expect(streams(resources)).to.deep.equal({})
    expect(resources.stat()).to.deep.include({ protocols: {}, services: {} })
  })

  it('are those of the peer when the connection is not known', () => {
    const resources = resourceManager({ defaults: {} })
    const stream = resources.openStream({ peer: 'A', direction: 'inbound' })
    expect(streams(resources)).to.deep.equal({ system: 1, transient: 1, 'peer:A': 1 })

    stream.release()
    expect(resources.stat().peers).to.deep.equal({})
  })

  it('are told in the right order', () => {
    const { resources, connection } = withConnection({})
    const stream = resources.openStream({ connection, direction: 'inbound' })
    expect(() => { stream.setService('s') }).to.throw().with.property('name', 'ScopeStateError')

    stream.setProtocol('/p')
    expect(() => { stream.setProtocol('/q') }).to.throw().with.property('name', 'ScopeStateError')

    stream.setService('s')
    expect(() => { stream.setService('t') }).to.throw().with.property('name', 'ScopeStateError')
    expect(stream).to.include({ protocol: '/p', service: 's' })
  })

  it('need a peer', () => {
    const resources = resourceManager({ defaults: {} })
    const connection = resources.openConnection({ direction: 'inbound' })

    expect(() => resources.openStream({ connection, direction: 'inbound' })).to.throw().with.property('name', 'ScopeStateError')
    expect(() => resources.openStream({ direction: 'inbound' })).to.throw().with.property('name', 'ScopeStateError')
  })

  it('are released with the connection', () => {
    const { resources, connection } = withConnection({})
    const stream = resources.openStream({ connection, direction: 'inbound' })
    stream.setProtocol('/p')
    stream.reserveMemory(5)
    resources.openStream({ connection, direction: 'outbound' })
    connection.release()

    expect(stream.released).to.equal(true)
    expect(streams(resources)).to.deep.equal({})
    expect(resources.stat().system.usage.memory).to.equal(0)

    stream.release()
    expect(streams(resources)).to.deep.equal({})
  })

  it('can be released in any order', () => {
    const { resources, connection } = withConnection({})
    const [a, b, c] = [1, 2, 3].map(() => resources.openStream({ connection, direction: 'inbound' }))

    b.release()
    a.release()
    expect(connection.stat().usage.streams).to.equal(1)

    c.release()
    c.release()
    resources.openStream({ connection, direction: 'inbound' })
    connection.release()
    expect(streams(resources)).to.deep.equal({})
  })

  for (const [limits, scope] of [
    [{ connection: { streams: 1 } }, 'connection:1'],
    [{ peer: { streams: 1 } }, 'peer:A'],
    [{ peers: { '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8': {} }, realm: { streams: 1 } }, 'realm:chain'],
    [{ transient: { streams: 1 } }, 'transient'],
    [{ system: { streams: 1 } }, 'system']
  ] as Array<[Limits, string]>) {
    it(`limit the streams of ${scope}`, () => {
      const { resources, connection } = withConnection(limits)
      resources.openStream({ connection, direction: 'inbound' })
      const before = resources.stat()

      expect(() => resources.openStream({ connection, direction: 'outbound' })).to.throw(StreamLimitError)
        .that.includes({ name: 'StreamLimitError', scope, resource: 'streams', current: 1, requested: 1, limit: 1 })
      expect(resources.stat()).to.deep.equal(before)
    })
  }

  for (const [limits, scope] of [
    [{ protocol: { streamsInbound: 1 } }, 'protocol:/p'],
    [{ protocolPeer: { streamsInbound: 1 } }, 'protocol:/p.peer:A'],
    [{ protocols: { '/p': { streamsInbound: 1 } } }, 'protocol:/p'],
    [{ protocolPeers: { '/p': { streamsInbound: 1 } } }, 'protocol:/p.peer:A'],
    [{ realms: { ofProtocol: { streamsInbound: 1 } } }, 'realm:ofProtocol'],
    [{ service: { streamsInbound: 1 } }, 'service:s'],
    [{ servicePeers: { s: { streamsInbound: 1 } } }, 'service:s.peer:A']
  ] as Array<[Limits, string]>) {
    it(`limit the streams of ${scope} by direction, and leave it in its scopes`, () => {
      const resources = resourceManager({ limits, defaults: {}, realmOfProtocol: protocol => protocol === '/p' ? 'ofProtocol' : undefined })
      const connection = resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain' })
      const open = (direction: 'inbound' | 'outbound', protocol: string): void => {
        const stream = resources.openStream({ connection, direction })
        stream.setProtocol(protocol)
        stream.setService('s')
      }

      open('inbound', '/p')
      open('outbound', '/p')

      expect(() => { open('inbound', '/p') }).to.throw(StreamLimitError)
        .that.includes({ scope, resource: 'streamsInbound', limit: 1 })

      connection.release()
      expect(streams(resources)).to.deep.equal({})
      expect(resources.stat()).to.deep.include({ realms: {}, protocols: {}, services: {} })
    })
  }

  it('do not limit the streams of a connection by 0, which limit files say', () => {
    const { resources, connection } = withConnection({ connection: { streams: 'blockAll', streamsInbound: 0 } })

    resources.openStream({ connection, direction: 'inbound' })
  })

  it('tell a hook of every refusal, with nothing left of it', () => {
    const refused: unknown[] = []
    const resources = resourceManager({
      limits: { protocol: { streams: 0 }, peer: { connections: 1 }, system: { memory: 10 } },
      defaults: {},
      onRefused: ({ scope }, attempt) => { refused.push([scope, attempt, Object.keys(resources.stat().protocols)]) }
    })
    const connection = resources.openConnection({ direction: 'outbound', peer: 'A' })
    const stream = resources.openStream({ connection, direction: 'inbound' })

    expect(() => { stream.setProtocol('/p') }).to.throw()
    expect(() => resources.openConnection({ direction: 'inbound', peer: 'A' })).to.throw()
    expect(() => { stream.reserveMemory(11) }).to.throw()

    expect(refused).to.deep.equal([
      ['protocol:/p', { kind: 'stream', direction: 'inbound', peer: 'A', protocol: '/p' }, []],
      ['peer:A', { kind: 'connection', direction: 'inbound', peer: 'A' }, []],
      ['system', { kind: 'memory', direction: 'inbound', peer: 'A', protocol: undefined }, []]
    ])
  })
})
