import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { limitsFromJSON, limitsToJSON, resourceManager, scaleLimits, validateLimits } from '../../src/resources/index.ts'
import type { LimitFile } from '../../src/resources/index.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

const FILE: LimitFile = {
  System: { Streams: 2048, StreamsInbound: 1024, Conns: 'unlimited', FD: 512, Memory: '1073741824' },
  Transient: { ConnsInbound: 'blockAll' },
  AllowlistedSystem: { Conns: 16 },
  AllowlistedTransient: { Conns: 8 },
  ServiceDefault: { Streams: 4096 },
  Service: { 'libp2p.relay/v2': { Streams: 256 } },
  ServicePeerDefault: { Streams: 32 },
  ServicePeer: { 'libp2p.relay/v2': { Streams: 16 } },
  ProtocolDefault: { Streams: 2048 },
  Protocol: { '/ipfs/kad/1.0.0': { StreamsOutbound: 100 } },
  ProtocolPeerDefault: { Memory: 'unlimited' },
  ProtocolPeer: { '/ipfs/kad/1.0.0': { Memory: '65536' } },
  PeerDefault: { ConnsOutbound: 4 },
  Peer: { [PEER]: { Conns: 32, ConnsInbound: 16 } },
  Conn: { Streams: 'blockAll', Conns: 1 },
  Stream: { Memory: '16777216' }
}

describe('limitsFromJSON', () => {
  it('reads every section of a limit file of go-libp2p', () => {
    expect(limitsFromJSON(JSON.stringify(FILE))).to.deep.equal({
      system: { streams: 2048, streamsInbound: 1024, connections: 'unlimited', fileDescriptors: 512, memory: 1_073_741_824 },
      transient: { connectionsInbound: 'blockAll' },
      allowListed: { connections: 16 },
      allowListedTransient: { connections: 8 },
      service: { streams: 4096 },
      services: { 'libp2p.relay/v2': { streams: 256 } },
      servicePeer: { streams: 32 },
      servicePeers: { 'libp2p.relay/v2': { streams: 16 } },
      protocol: { streams: 2048 },
      protocols: { '/ipfs/kad/1.0.0': { streamsOutbound: 100 } },
      protocolPeer: { memory: 'unlimited' },
      protocolPeers: { '/ipfs/kad/1.0.0': { memory: 65_536 } },
      peer: { connectionsOutbound: 4 },
      peers: { [PEER]: { connections: 32, connectionsInbound: 16 } },
      connection: { streams: 'blockAll', connections: 1 },
      stream: { memory: 16_777_216 }
    })
  })

  it('reads 0 as "blockAll", and "default" as nothing', () => {
    expect(limitsFromJSON({ System: { Conns: 0, Streams: 'default', Memory: '0', FD: 'blockAll' } })).to.deep.equal({
      system: { connections: 'blockAll', memory: 'blockAll', fileDescriptors: 'blockAll' }
    })
  })

  it('reads memory as a number or as a string of digits', () => {
    expect(limitsFromJSON({ System: { Memory: 1024 } })).to.deep.equal(limitsFromJSON({ System: { Memory: '1024' } }))
  })

  it('reads the largest number of go-libp2p as "unlimited"', () => {
    expect(limitsFromJSON('{ "System": { "Conns": 9223372036854775807, "Memory": "9223372036854775807" } }')).to.deep.equal({
      system: { connections: 'unlimited', memory: 'unlimited' }
    })
  })

  const invalid: Array<[string, unknown, string]> = [
    ['what is not JSON', '{', 'limit file'],
    ['what is not an object', '[]', 'limit file'],
    ['an unknown section', { Systems: {} }, 'Systems'],
    ['an unknown field', { System: { Connections: 1 } }, 'System.Connections'],
    ['a section that is not an object', { System: 12 }, 'System'],
    ['an entry that is not an object', { Peer: { [PEER]: null } }, `Peer.${PEER}`],
    ['a negative number', { Peer: { [PEER]: { ConnsInbound: -1 } } }, `Peer.${PEER}.ConnsInbound`],
    ['a fraction', { Transient: { FD: 0.5 } }, 'Transient.FD'],
    ['a number too large to be exact', { System: { Memory: '9007199254740993' } }, 'System.Memory'],
    ['digits where go-libp2p reads a number', { System: { Conns: '12' } }, 'System.Conns'],
    ['a word', { ServicePeer: { x: { Streams: 'infinite' } } }, 'ServicePeer.x.Streams'],
    ['memory with a unit', { System: { Memory: '1GiB' } }, 'System.Memory'],
    ['null', { System: { Memory: null } }, 'System.Memory'],
    ['a peer id that is none', { Peer: { nobody: {} } }, 'Peer.nobody'],
    ['a peer id that is cut off', { Peer: { [PEER.slice(0, -4)]: {} } }, `Peer.${PEER.slice(0, -4)}`],
    ['the prototype', '{ "System": { "__proto__": 1 } }', 'System.__proto__']
  ]

  for (const [what, file, option] of invalid) {
    it(`refuses ${what} and names the path in the file`, () => {
      expect(() => limitsFromJSON(file as LimitFile)).to.throw()
        .with.property('option', option)
    })
  }

  it('makes limits that can be used', () => {
    const resources = resourceManager({ limits: limitsFromJSON(FILE), defaults: scaleLimits(0, 0) })

    expect(resources.stat().system.limits).to.include({ streams: 2048, fileDescriptors: 512 })
      .and.not.have.property('connections')
  })
})

describe('limitsToJSON', () => {
  it('writes what limitsFromJSON has read', () => {
    expect(JSON.stringify(limitsToJSON(limitsFromJSON(FILE)))).to.equal(JSON.stringify(FILE))
  })

  it('writes the defaults so that they are read as they were', () => {
    const { subnets, ...limits } = scaleLimits(8 * 2 ** 30, 16_384)
    const file = limitsToJSON(limits)

    expect(file.System).to.deep.equal({
      Streams: 18_432,
      StreamsInbound: 9216,
      StreamsOutbound: 18_432,
      Conns: 1152,
      ConnsInbound: 576,
      ConnsOutbound: 1152,
      FD: 16_384,
      Memory: '8724152320'
    })
    expect(file.Stream).to.include({ Conns: 'blockAll', FD: 'blockAll' })
    expect(limitsToJSON(limitsFromJSON(JSON.stringify(file)))).to.deep.equal(file)
  })

  it('leaves out what the format has no place for', () => {
    expect(limitsToJSON({ realm: { connections: 1 }, realms: { chain: { reserved: 1 } }, subnets: { ipv4: [] } })).to.deep.equal({})
  })

  it('is read back the same, whatever the limits are', () => {
    const value = fc.oneof(fc.constant('unlimited' as const), fc.constant('blockAll' as const), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))
    const scope = fc.record({
      connections: value,
      connectionsInbound: value,
      connectionsOutbound: value,
      fileDescriptors: value,
      streams: value,
      streamsInbound: value,
      streamsOutbound: value,
      memory: value
    }, { requiredKeys: [] })
    const entries = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), scope, { maxKeys: 3 })
    const limits = fc.record({
      system: scope,
      transient: scope,
      allowListed: scope,
      allowListedTransient: scope,
      peer: scope,
      peers: fc.dictionary(fc.constant(PEER), scope),
      protocol: scope,
      protocols: entries,
      protocolPeer: scope,
      protocolPeers: entries,
      service: scope,
      services: entries,
      servicePeer: scope,
      servicePeers: entries,
      connection: scope,
      stream: scope
    }, { requiredKeys: [] })

    fc.assert(fc.property(limits, limits => {
      const file = limitsToJSON(limits)

      expect(limitsFromJSON(JSON.stringify(file))).to.deep.equal(validateLimits(limits))
      expect(limitsToJSON(limitsFromJSON(file))).to.deep.equal(file)
    }), { numRuns: 200 })
  })
})
