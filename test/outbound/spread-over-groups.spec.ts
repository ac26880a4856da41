import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { addressGroup } from '../../src/addresses/index.ts'
import { spreadOverGroups } from '../../src/outbound/spread-over-groups.ts'
import { systemRandom } from '../../src/random.ts'
import type { Peer } from '@libp2p/interface'

/**
 * A peer at these addresses
 */
function peer (...ips: string[]): Peer {
  // nothing else is read of it
  return { addresses: ips.map(ip => ({ multiaddr: multiaddr(`/ip4/${ip}/tcp/4001`) })) } as unknown as Peer
}

function many (count: number, network: string): Peer[] {
  return Array.from({ length: count }, (_, i) => peer(`${network}.${i >> 8}.${i & 255}`))
}

function spread (peers: readonly Peer[], count = 1_000): Peer[] {
  return spreadOverGroups(peers, count, multiaddr => addressGroup(multiaddr), systemRandom)
}

describe('outbound/spread-over-groups', () => {
  it('a network with many peers comes once before each of the others has come', () => {
    const others = ['21.1', '22.1', '23.1', '24.1'].map(network => peer(`${network}.0.1`))
    const order = spread([...many(200, '20.1'), ...others])
    const first = order.slice(0, 5)

    expect(order).to.have.lengthOf(204)
    expect(first).to.include.members(others)
  })

  it('a peer of many is dialled first no more often than the only one of its network', () => {
    const only = peer('21.1.0.1')
    const peers = [...many(50, '20.1'), only]
    const count = Array.from({ length: 2_000 }, () => spread(peers)[0]).filter(first => first === only).length

    // half of 2,000: six standard deviations are 134
    expect(count).to.be.within(866, 1_134)
  })

  it('an address that nobody else shares a network with gains nothing', () => {
    const others = many(5, '20.1').map(({ addresses }, i) => peer(addresses[0].multiaddr.toString().split('/')[2], `3${i}.1.0.1`))
    const honest = ['21.1', '22.1', '23.1'].map(network => peer(`${network}.0.1`))

    expect(spread([...others, ...honest]).slice(0, 4)).to.include.members(honest)
  })

  it('peers in no group are drawn at random, among the first', () => {
    const atHome = [peer('192.168.0.1'), peer('192.168.0.2'), peer()]

    expect(spread([...many(100, '20.1'), ...atHome]).slice(0, 4)).to.include.members(atHome)
  })

  it('draws as many as are asked for, each once', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 20, max: 25 }), fc.nat(255))), fc.nat(40), (hosts, count) => {
      const peers = hosts.map(([network, host]) => peer(`${network}.1.0.${host}`))
      const order = spread(peers, count)

      expect(new Set(order).size).to.equal(Math.min(count, peers.length))
      expect(order.every(drawn => peers.includes(drawn))).to.be.true()
    }))
  })
})
