import { expect } from 'aegir/chai'
import { resourceManager, scaleLimits } from '../../src/resources/index.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const OTHER = '12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay'

describe('resourceManager', () => {
  it('fills the limits up with defaults, field by field', () => {
    const resources = resourceManager({
      limits: { system: { connections: 200 }, peers: { [PEER]: { connections: 20 } } },
      defaults: scaleLimits(0, 0)
    })

    expect(resources.stat().system.limits).to.include({ connections: 200, connectionsInbound: 64, streams: 2048 })
    expect(resources.scopeStat(`peer:${PEER}`)?.limits).to.include({ connections: 20, connectionsInbound: 8, streams: 512 })
    expect(resources.scopeStat(`peer:${OTHER}`)?.limits).to.include({ connections: 8 })
  })

  it('gives a named scope what its kind has, unless it has its own', () => {
    const resources = resourceManager({
      limits: { protocol: { streams: 7, memory: 70 }, protocols: { '/p': { streams: 3 } } },
      defaults: { protocols: { '/ipfs/ping/1.0.0': { streams: 64 } } }
    })

    expect(resources.scopeStat('protocol:/p')?.limits).to.deep.equal({ streams: 3, memory: 70 })
    expect(resources.scopeStat('protocol:/q')?.limits).to.deep.equal({ streams: 7, memory: 70 })
    expect(resources.scopeStat('protocol:/ipfs/ping/1.0.0')?.limits).to.deep.equal({ streams: 64, memory: 70 })
  })

  it('refuses limits that are none', () => {
    // as JavaScript may pass it
    expect(() => resourceManager({ limits: JSON.parse('{ "peer": { "connections": "8" } }') }))
      .to.throw().with.property('option', 'limits.peer.connections')
  })

  it('tells who uses what, against which limit', () => {
    const resources = resourceManager({ limits: { system: { connections: 10 }, realms: { chain: { connections: 5, reserved: 2 } } }, defaults: {} })
    const connection = resources.openConnection({ direction: 'outbound', peer: 'A', realm: 'chain', fileDescriptor: true })
    resources.openStream({ connection, direction: 'inbound' }).setProtocol('/p')

    const used = { connections: 1, connectionsInbound: 0, connectionsOutbound: 1, fileDescriptors: 1, streams: 1, streamsInbound: 1, streamsOutbound: 0, memory: 0 }
    const stream = { ...used, connections: 0, connectionsOutbound: 0, fileDescriptors: 0 }
    const none = { ...stream, streams: 0, streamsInbound: 0 }

    expect(JSON.parse(JSON.stringify(resources.stat()))).to.deep.equal({
      system: { usage: used, limits: { connections: 10 } },
      transient: { usage: none, limits: {} },
      allowListed: { usage: none, limits: {} },
      allowListedTransient: { usage: none, limits: {} },
      peers: { A: { usage: used, limits: {} } },
      realms: { chain: { usage: used, limits: { connections: 5, reserved: 2 } } },
      protocols: { '/p': { usage: stream, limits: {}, peers: { A: { usage: stream, limits: {} } } } },
      services: {},
      unusedReserve: 1
    })
  })

  it('is not confused by names that every object inherits', () => {
    const resources = resourceManager({ defaults: {} })
    const connection = resources.openConnection({ direction: 'outbound', peer: '__proto__', realm: 'constructor' })
    resources.openStream({ connection, direction: 'inbound' }).setProtocol('__proto__')

    expect(Object.keys(resources.stat().peers)).to.deep.equal(['__proto__'])
    expect(Object.keys(resources.stat().protocols)).to.deep.equal(['__proto__'])
    expect(Object.keys(resources.stat().realms)).to.deep.equal(['constructor'])
  })
})

describe('limits at run time', () => {
  it('hold for what is open already', () => {
    const resources = resourceManager({ defaults: {} })
    const first = resources.openConnection({ direction: 'inbound' })
    resources.openConnection({ direction: 'inbound' })
    resources.setLimit('system', { connections: 1 })

    expect(resources.excess('system')).to.deep.equal({ connections: 1, inbound: 0, outbound: 0 })
    expect(() => resources.openConnection({ direction: 'inbound' })).to.throw('"system" has 2 of 1 connections in use, 1 more requested')

    first.release()
    expect(resources.excess('system').connections).to.equal(0)
    expect(() => resources.openConnection({ direction: 'inbound' })).to.throw()

    resources.setLimit('system', { connections: 'unlimited' })
    resources.openConnection({ direction: 'inbound' })
  })

  it('tell the excess by direction', () => {
    const resources = resourceManager({ defaults: {} })

    for (const direction of ['inbound', 'inbound', 'inbound', 'outbound'] as const) {
      resources.openConnection({ direction })
    }

    resources.setLimit('system', { connectionsInbound: 1, connectionsOutbound: 'blockAll', connections: 4 })
    expect(resources.excess('system')).to.deep.equal({ connections: 3, inbound: 2, outbound: 1 })
  })

  it('do not get in the way of what they do not limit', () => {
    const resources = resourceManager({ defaults: {} })
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A' })
    resources.setLimit('peer', { connections: 0 })

    resources.openStream({ connection, direction: 'inbound' })
  })

  it('can be those of a kind, of a name, and of the shares of all peers', () => {
    const resources = resourceManager({ limits: { protocols: { '/own': { streams: 5 } } }, defaults: {} })
    const connection = resources.openConnection({ direction: 'inbound', peer: 'A' })
    const open = (protocol: string): void => { resources.openStream({ connection, direction: 'inbound' }).setProtocol(protocol) }
    open('/p')
    open('/own')

    resources.setLimit('protocol', { streams: 2, streamsOutbound: 9 })
    expect(resources.stat().protocols['/p'].limits).to.deep.equal({ streams: 2, streamsOutbound: 9 })
    expect(resources.stat().protocols['/own'].limits).to.deep.equal({ streams: 5, streamsOutbound: 9 })

    resources.setLimit('protocol:/p', { streams: 3 })
    expect(resources.stat().protocols['/p'].limits).to.deep.equal({ streams: 3, streamsOutbound: 9 })

    resources.setLimit('protocolPeer', { streams: 2 })
    expect(resources.stat().protocols['/p'].peers.A.limits).to.deep.equal({ streams: 2 })

    resources.setLimit('protocolPeer:/p', { streams: 1 })
    expect(resources.stat().protocols['/p'].peers.A.limits).to.deep.equal({ streams: 1 })
    expect(resources.stat().protocols['/own'].peers.A.limits).to.deep.equal({ streams: 2 })
    expect(() => { open('/p') }).to.throw().with.property('scope', 'protocol:/p.peer:A')

    const other = resources.openConnection({ direction: 'inbound', peer: 'B' })
    resources.openStream({ connection: other, direction: 'inbound' }).setProtocol('/p')
    expect(resources.stat().protocols['/p'].peers.B.limits).to.deep.equal({ streams: 1 })

    other.release()
    connection.release()
    const again = resources.openConnection({ direction: 'inbound', peer: 'B' })
    resources.openStream({ connection: again, direction: 'inbound' }).setProtocol('/p')
    expect(resources.stat().protocols['/p'].peers.B.limits).to.deep.equal({ streams: 1 })
  })

  it('know a peer by any form of its id', () => {
    const resources = resourceManager({ defaults: {} })
    resources.openConnection({ direction: 'inbound', peer: PEER })
    resources.setLimit(`peer:${PEER}`, { connections: 1 })

    expect(() => resources.openConnection({ direction: 'inbound', peer: PEER })).to.throw().with.property('scope', `peer:${PEER}`)
    resources.openConnection({ direction: 'inbound', peer: OTHER })
  })

  it('stay what they were when the new ones are none', () => {
    const resources = resourceManager({ limits: { system: { connections: 1 } }, defaults: {} })
    const before = resources.stat()

    expect(() => { resources.setLimit('system', { connections: -1 }) }).to.throw().with.property('option', 'system.connections')
    expect(() => { resources.setLimit('system', { reserved: 1 }) }).to.throw().with.property('option', 'system.reserved')
    expect(() => { resources.setLimit('peers', {}) }).to.throw().with.property('option', 'scope')
    expect(() => { resources.setLimit('peer:nobody', {}) }).to.throw().with.property('option', 'scope')
    expect(resources.stat()).to.deep.equal(before)
  })
})

describe('limits: false', () => {
  it('lets everything happen, and counts nothing', () => {
    const resources = resourceManager({ limits: false })
    const empty = resources.stat()

    for (let i = 0; i < 1000; i++) {
      const connection = resources.openConnection({ direction: 'inbound' })
      connection.setPeer('A', 'chain')
      connection.setRealm('files')
      connection.leaveAllowList()
      const stream = resources.openStream({ connection, direction: 'outbound' })
      stream.setProtocol('/p')
      stream.setService('s')
      stream.reserveMemory(1e12)
      stream.beginSpan().reserveMemory(1e12)
      expect(stream.direction).to.equal('outbound')
    }

    resources.setLimit('system', { connections: 0 })
    resources.setPeerRealm('A', 'chain')
    resources.beginSpan('service:s').reserveMemory(1e12)
    resources.openConnection({ direction: 'inbound' })

    expect(resources.stat()).to.deep.equal(empty)
    expect(resources.excess('system').connections).to.equal(0)
  })
})
