import { expect } from 'aegir/chai'
import { autoScale, scaleLimits, validateLimits } from '../../src/resources/index.ts'
import type { ScopeLimits } from '../../src/resources/index.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

type Triple = [inbound: number, outbound: number, total: number]

function limits (connections: Triple, streams: Triple, memory: number, fileDescriptors: number): ScopeLimits {
  return {
    connectionsInbound: connections[0],
    connectionsOutbound: connections[1],
    connections: connections[2],
    streamsInbound: streams[0],
    streamsOutbound: streams[1],
    streams: streams[2],
    memory,
    fileDescriptors
  }
}

const NONE: Triple = [0, 0, 0]

describe('scaleLimits', () => {
  // the golden figures of go-libp2p for each budget of memory and file descriptors
  const golden = [{
    name: 'the smallest machine',
    memory: 128 * MiB,
    fileDescriptors: 0,
    system: limits([64, 128, 128], [1024, 2048, 2048], 128 * MiB, 256),
    transient: limits([32, 64, 64], [128, 256, 256], 32 * MiB, 64),
    service: limits(NONE, [1024, 4096, 4096], 64 * MiB, 0),
    servicePeer: limits(NONE, [128, 256, 256], 16 * MiB, 0),
    protocol: limits(NONE, [512, 2048, 2048], 64 * MiB, 0),
    protocolPeer: limits(NONE, [64, 128, 256], 16 * MiB, 0),
    peer: limits([8, 8, 8], [256, 512, 512], 64 * MiB, 4)
  }, {
    name: '1 GiB',
    memory: GiB,
    fileDescriptors: 4096,
    system: limits([128, 256, 256], [2048, 4096, 4096], 1152 * MiB, 4096),
    transient: limits([48, 96, 96], [256, 512, 512], 160 * MiB, 1024),
    service: limits(NONE, [1536, 6144, 6144], 192 * MiB, 0),
    servicePeer: limits(NONE, [132, 264, 264], 20 * MiB, 0),
    protocol: limits(NONE, [768, 2560, 2560], 228 * MiB, 0),
    protocolPeer: limits(NONE, [68, 136, 272], 16 * MiB + 4, 0),
    peer: limits([8, 8, 8], [384, 768, 768], 192 * MiB, 64)
  }, {
    name: '8 GiB',
    memory: 8 * GiB,
    fileDescriptors: 16_384,
    system: limits([576, 1152, 1152], [9216, 18_432, 18_432], 8_724_152_320, 16_384),
    transient: limits([160, 320, 320], [1152, 2304, 2304], 1_107_296_256, 4096),
    service: limits(NONE, [5120, 20_480, 20_480], 1_140_850_688, 0),
    servicePeer: limits(NONE, [160, 320, 320], 50_331_648, 0),
    protocol: limits(NONE, [2560, 6144, 6144], 1_442_840_576, 0),
    protocolPeer: limits(NONE, [96, 192, 384], 16_777_248, 0),
    peer: limits([8, 8, 8], [1280, 2560, 2560], 1_140_850_688, 256)
  }]

  for (const { name, memory, fileDescriptors, ...scopes } of golden) {
    it(`has go-libp2p's limits for ${name}`, () => {
      const scaled = scaleLimits(memory, fileDescriptors)

      expect(scaled).to.deep.include({
        ...scopes,
        allowListed: scopes.system,
        allowListedTransient: scopes.transient,
        connection: limits([1, 1, 1], NONE, 32 * MiB, 1),
        stream: limits(NONE, [1, 1, 1], 16 * MiB, 0)
      })
    })
  }

  it('grows by whole connections', () => {
    expect(scaleLimits(2 * GiB, 0).system).to.include({ connectionsInbound: 192, connections: 384 })
    expect(scaleLimits(4 * GiB, 0).system).to.include({ connectionsInbound: 320, connections: 640 })
    expect(scaleLimits(GiB + 9 * MiB, 0).system).to.include({ connectionsInbound: 128, connections: 257 })
  })

  it('keeps the limits of the smallest machine up to 128 MiB, and counts all memory from there on', () => {
    expect(scaleLimits(128 * MiB, 0)).to.deep.equal(scaleLimits(0, 0))
    expect(scaleLimits(129 * MiB, 0).system).to.include({ connectionsInbound: 72 })
  })

  it('has limits for the protocols and services that every node speaks', () => {
    const scaled = scaleLimits(GiB, 0)

    expect(scaled.protocols?.['/ipfs/ping/1.0.0']).to.include({ streams: 128, memory: 8 * MiB })
    expect(scaled.protocolPeers?.['/ipfs/ping/1.0.0']).to.include({ streamsInbound: 2, streamsOutbound: 3, streams: 4, memory: 32 * (256 * MiB + 16 * 1024) })
    expect(scaled.protocols?.['/libp2p/circuit/relay/0.2.0/hop']).to.include({ streams: 1280, memory: 32 * MiB })
    expect(scaled.services?.['libp2p.relay/v2']).to.include({ streams: 512 })
    expect(scaled.servicePeers?.['libp2p.autonat']).to.include({ streams: 2, memory: MiB })
  })

  it('makes limits that are valid', () => {
    expect(validateLimits(scaleLimits(3 * GiB, 1000))).to.deep.equal(scaleLimits(3 * GiB, 1000))
    expect(validateLimits(scaleLimits(3 * GiB, 'unlimited')).system).to.include({ fileDescriptors: 'unlimited' })
  })

  it('exempts networks that are not public', () => {
    const { networks = [] } = scaleLimits(0, 0).subnets ?? {}

    expect(networks).to.deep.include({ cidr: '127.0.0.0/8', connections: 'unlimited' })
    expect(networks).to.deep.include({ cidr: 'fc00::/7', connections: 'unlimited' })
  })
})

describe('autoScale', () => {
  it('spends an eighth of the memory and half of the file descriptors', () => {
    expect(autoScale({ memory: 64 * GiB, fileDescriptors: 32_768 })).to.deep.equal(scaleLimits(8 * GiB, 16_384))
  })

  it('works out of the box', () => {
    expect(autoScale().system?.connections).to.be.at.least(128)
  })

  it('refuses figures that are none', () => {
    expect(() => autoScale({ memory: -1 })).to.throw().with.property('option', 'memory')
    expect(() => autoScale({ memory: NaN })).to.throw().with.property('option', 'memory')
    expect(() => autoScale({ fileDescriptors: Infinity })).to.throw().with.property('option', 'fileDescriptors')
  })
})
