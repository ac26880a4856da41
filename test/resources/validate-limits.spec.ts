import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { validateLimits } from '../../src/resources/index.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const SAME_PEER = peerIdFromString(PEER).toCID().toString()

describe('validateLimits', () => {
  it('accepts whole numbers, "unlimited" and "blockAll" in every scope', () => {
    const limits = {
      system: { connections: 256, streams: 'unlimited' as const, memory: 0 },
      transient: { connectionsInbound: 'blockAll' as const },
      peers: { [PEER]: { connections: 20 } },
      realms: { chain: { connections: 64, reserved: 16 } },
      protocolPeers: { '/ipfs/ping/1.0.0': { streams: 2 } }
    }

    expect(validateLimits(limits)).to.deep.equal(limits)
  })

  it('knows a peer by any form of its id', () => {
    expect(validateLimits({ peers: { [SAME_PEER]: { connections: 1 } } })).to.deep.equal({ peers: { [PEER]: { connections: 1 } } })
  })

  it('leaves out what is undefined', () => {
    expect(validateLimits({ system: { connections: undefined }, peer: undefined })).to.deep.equal({ system: {} })
  })

  const invalid: Array<[string, unknown, string]> = [
    ['a list', [], 'limits'],
    ['nothing', null, 'limits'],
    ['a scope that does not exist', { peeer: {} }, 'limits.peeer'],
    ['a scope that is not an object', { peer: 8 }, 'limits.peer'],
    ['a field that does not exist', { peer: { conns: 8 } }, 'limits.peer.conns'],
    ['a negative number', { peer: { connections: -1 } }, 'limits.peer.connections'],
    ['a fraction', { system: { streams: 1.5 } }, 'limits.system.streams'],
    ['infinity', { system: { streams: Infinity } }, 'limits.system.streams'],
    ['NaN', { system: { memory: NaN } }, 'limits.system.memory'],
    ['a number in words', { system: { memory: '100' } }, 'limits.system.memory'],
    ['null', { system: { memory: null } }, 'limits.system.memory'],
    ['a peer that is none', { peers: { chain: {} } }, 'limits.peers.chain'],
    ['a peer given twice', { peers: { [PEER]: {}, [SAME_PEER]: {} } }, `limits.peers.${SAME_PEER}`],
    ['a realm without a name', { realms: { '': {} } }, 'limits.realms.'],
    ['a reserve that is not a number', { realms: { chain: { reserved: 'unlimited' } } }, 'limits.realms.chain.reserved'],
    ['a reserve for every realm', { realm: { reserved: 1 } }, 'limits.realm.reserved'],
    ['a reserve of a peer', { peer: { reserved: 1 } }, 'limits.peer.reserved'],
    ['the prototype', JSON.parse('{ "__proto__": { "connections": 1 } }'), 'limits.__proto__'],
    ['subnets that are no list', { subnets: { ipv4: { prefix: 32 } } }, 'limits.subnets.ipv4'],
    ['a prefix that is too long', { subnets: { ipv4: [{ prefix: 33, connections: 1 }] } }, 'limits.subnets.ipv4[0].prefix'],
    ['a prefix that is too long for IPv6', { subnets: { ipv6: [{ prefix: 64, connections: 1 }, { prefix: 129, connections: 1 }] } }, 'limits.subnets.ipv6[1].prefix'],
    ['a subnet without a limit', { subnets: { ipv4: [{ prefix: 32 }] } }, 'limits.subnets.ipv4[0].connections'],
    ['a network that is none', { subnets: { networks: [{ cidr: '10.0.0.0', connections: 1 }] } }, 'limits.subnets.networks[0].cidr'],
    ['a network with too long a prefix', { subnets: { networks: [{ cidr: '10.0.0.0/33', connections: 1 }] } }, 'limits.subnets.networks[0].cidr'],
    ['an IPv4 network written as IPv6', { subnets: { networks: [{ cidr: '::ffff:10.0.0.0/104', connections: 1 }] } }, 'limits.subnets.networks[0].cidr'],
    ['a rate that is negative', { subnets: { rates: { ipv4: [{ prefix: 32, perSecond: -1, burst: 1 }] } } }, 'limits.subnets.rates.ipv4[0].perSecond'],
    ['a rate without a burst', { subnets: { rates: { global: { perSecond: 1 } } } }, 'limits.subnets.rates.global.burst']
  ]

  for (const [what, limits, option] of invalid) {
    it(`refuses ${what} and names the field`, () => {
      expect(() => validateLimits(limits)).to.throw()
        .with.property('option', option)
    })
  }

  it('says what is expected and what was given', () => {
    expect(() => validateLimits({ peer: { connections: -1 } })).to.throw(
      '"limits.peer.connections" must be a whole number that is not negative, "unlimited" or "blockAll", got -1'
    ).with.property('name', 'InvalidParametersError')
  })

  it('accepts limits by address', () => {
    const limits = {
      subnets: {
        ipv4: [{ prefix: 32, connections: 8 }, { prefix: 16, connections: 'unlimited' as const }],
        ipv6: [],
        networks: [{ cidr: 'fc00::/7', connections: 'unlimited' as const }, { cidr: '192.0.2.0/24', connections: 1 }],
        rates: { networks: [{ cidr: '10.0.0.0/8', perSecond: 'unlimited' as const, burst: 0 }], global: { perSecond: 0.5, burst: 10 } }
      }
    }

    expect(validateLimits(limits)).to.deep.equal(limits)
  })
})
