import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import * as fc from 'fast-check'
import { Key } from 'interface-datastore'
import { addressGroup, isOnThisHost, relayPeer, remoteIp, transportKind } from '../src/addresses/index.ts'
import { originOf, scopeOf } from '../src/addresses/index.ts'
import { BACK_OFF_KEY, loadBackOff } from '../src/dialing/back-off-store.ts'
import { DialBackOff } from '../src/dialing/back-off.ts'
import { dialTraits } from '../src/dialing/dial-traits.ts'
import { createDialRanker } from '../src/dialing/index.ts'
import { BANS_PREFIX, BanStore } from '../src/gating/ban-store.ts'
import { parseBanTarget } from '../src/gating/ban.ts'
import { parseCidr } from '../src/gating/index.ts'
import { ANCHORS_KEY, readAnchors } from '../src/outbound/anchor-keeper.ts'
import { toCandidate } from '../src/outbound/candidate.ts'
import { parseStaticPeer, parseTrustedPeer } from '../src/outbound/parse-peers.ts'
import { limitsFromJSON, limitsToJSON } from '../src/resources/index.ts'

const PEER = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'

/**
 * The parts of addresses that are in use. They are put together in any order, as
 * whoever sends an address does not have to make sense.
 */
const PARTS = [
  '/ip4/83.12.4.5', '/ip4/127.0.0.1', '/ip4/0.0.0.0', '/ip4/255.255.255.255', '/ip6/::1', '/ip6/::', '/ip6/fe80::1', '/ip6/::ffff:83.12.4.5', '/ip6/2002:530c:405::1', '/ip6zone/eth0',
  '/dns4/localhost', '/dns6/example.org', '/dnsaddr/example.org', '/tcp/0', '/tcp/65535', '/udp/1', '/quic', '/quic-v1', '/ws', '/wss', '/tls', '/sni/example.org', '/webtransport', '/webrtc', '/webrtc-direct',
  `/p2p/${PEER}`, '/p2p-circuit', '/memory/1', '/unix/%2Ftmp%2Fsocket', '/ipcidr/0', '/ipcidr/8', '/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'
]

const anyAddress = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 8 }).map(parts => multiaddr(parts.join('')))
const anyText = fc.oneof(fc.string(), anyAddress.map(String), fc.ipV4(), fc.ipV6(), fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer()).map(parts => parts.join('/')))
const anything = fc.oneof(anyText, anyAddress, fc.anything())

/**
 * What may be stored where an object with these fields should be
 */
function broken (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const any = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fc.oneof(field, fc.jsonValue({ maxDepth: 1 }))]))

  return fc.oneof(fc.record(any, { requiredKeys: [] }), fc.jsonValue())
}

function bytes (value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

/**
 * Either it is understood, or the error says which option is wrong
 */
function isUnderstood (parse: () => unknown): void {
  try {
    parse()
  } catch (err) {
    expect(err).to.have.property('name', 'InvalidParametersError')
    expect(err).to.have.property('option').that.is.a('string')
  }
}

describe('hostile input', () => {
  it('any address is understood as far as it can be, and never throws', () => {
    fc.assert(fc.property(anyAddress, address => {
      const ip = remoteIp(address)
      const relay = relayPeer(address)
      const origin = originOf(address)

      expect(ip == null || relay == null, 'a relayed connection does not come from the relay').to.be.true()
      expect(origin.ip == null || origin.relay == null).to.be.true()
      expect(scopeOf(origin)).to.match(/^(ip:|relay:|system$)/)
      expect(transportKind(address)).to.be.a('string')
      expect(addressGroup(address) ?? '').to.be.a('string')
      expect(isOnThisHost(address)).to.be.a('boolean')
      expect(dialTraits(address)).to.have.property('scope').that.is.oneOf(['public', 'private', 'signalled', 'relayed', 'other'])
    }), { numRuns: 2_000 })
  })

  it('any addresses are ranked, each of them once', () => {
    fc.assert(fc.property(fc.array(anyAddress, { maxLength: 20 }), addresses => {
      const ranked = createDialRanker()(addresses.map(address => ({ multiaddr: address, isCertified: false })))

      expect(ranked.map(({ address }) => address.multiaddr.toString())).to.have.members(addresses.map(String))
      expect(ranked.every(({ delay }) => delay >= 0 && delay < 60_000)).to.be.true()
      expect(ranked.length === 0 || ranked.some(({ delay }) => delay === 0)).to.be.true()
    }), { numRuns: 500 })
  })

  it('whatever is given as a peer, a range or somebody to ban is taken, or refused by name', () => {
    fc.assert(fc.property(anything, input => {
      isUnderstood(() => parseStaticPeer(input, 'staticPeers[0]'))
      isUnderstood(() => parseTrustedPeer(input, 'trustedPeers[0]'))
      // as JavaScript may pass it
      isUnderstood(() => parseCidr(input as string))
      isUnderstood(() => parseBanTarget(input as string))
    }), { numRuns: 2_000 })
  })

  it('whatever a source of candidates yields is a candidate or nothing', () => {
    fc.assert(fc.property(fc.oneof(anything, fc.record({ id: anything, multiaddrs: fc.oneof(fc.array(anything, { maxLength: 3 }), anything) })), input => {
      expect(toCandidate(input, 'source')?.peerId?.toString() ?? '').to.be.a('string')
    }), { numRuns: 2_000 })
  })

  const scope = broken({ Conns: fc.oneof(fc.nat(), fc.constantFrom('unlimited', 'blockAll', 'default')), Memory: fc.bigInt().map(String), FD: fc.nat() })
  const file = broken({ System: scope, Transient: scope, PeerDefault: scope, Peer: fc.dictionary(fc.oneof(fc.constant(PEER), fc.string()), scope), Protocol: fc.dictionary(fc.string(), scope), Stream: scope })

  it('any limit file is understood and written as it was, or refused by name', () => {
    fc.assert(fc.property(fc.oneof(file.map(value => JSON.stringify(value)), file, fc.string()), input => {
      isUnderstood(() => {
        // as JavaScript may pass it
        const limits = limitsFromJSON(input as string)
        const written = limitsToJSON(limits)

        expect(limitsFromJSON(JSON.stringify(written))).to.deep.equal(limits)
      })
    }), { numRuns: 2_000 })
  })

  it('what is stored of failed dials is used as far as it makes sense, and blocks no address for good', async () => {
    const entry = broken({ peer: fc.string(), address: fc.string(), failures: fc.nat(), until: fc.maxSafeNat(), expires: fc.maxSafeNat() })

    await fc.assert(fc.asyncProperty(fc.oneof(fc.array(entry), entry, fc.uint8Array()), async stored => {
      const datastore = new MemoryDatastore()
      await datastore.put(BACK_OFF_KEY, stored instanceof Uint8Array ? stored : bytes(stored))
      const backOff = new DialBackOff()
      const entries = await loadBackOff(datastore)
      backOff.restore(entries, 1_000_000)

      expect(entries.every(({ peer, address }) => !backOff.isBackedOff(peer, address, 1_000_000 + 330_000))).to.be.true()
    }), { numRuns: 500 })
  })

  it('what is stored of anchors is a short list of texts', async () => {
    await fc.assert(fc.asyncProperty(fc.oneof(fc.array(fc.oneof(anyText, fc.jsonValue()), { maxLength: 200, size: 'max' }), fc.jsonValue(), fc.uint8Array()), async stored => {
      const datastore = new MemoryDatastore()
      await datastore.put(ANCHORS_KEY, stored instanceof Uint8Array ? stored : bytes(stored))
      const anchors = await readAnchors(datastore, ANCHORS_KEY)

      expect(anchors.length).to.be.at.most(100)
      expect(anchors.every(anchor => typeof anchor === 'string')).to.be.true()
    }), { numRuns: 300 })
  })

  it('what is stored of bans is a ban of whom the key names, or none', async () => {
    const fields = { kind: fc.constantFrom('peer', 'network'), target: fc.constantFrom('127.0.0.1', '10.0.0.0/8', PEER), created: fc.nat(), expires: fc.oneof(fc.nat(), fc.constant(null)), reason: fc.string() }
    const ban = fc.oneof(fc.record(fields), broken(fields))
    const key = fc.constantFrom('network/127.0.0.1', 'network/10.0.0.0_8', `peer/${PEER}`, 'network/nobody', 'nonsense')
    let found = 0

    await fc.assert(fc.asyncProperty(key, fc.oneof(ban, fc.uint8Array()), async (key, stored) => {
      const datastore = new MemoryDatastore()
      await datastore.put(new Key(`${BANS_PREFIX}/${key}`), stored instanceof Uint8Array ? stored : bytes(stored))

      for await (const { ban } of new BanStore(datastore).query()) {
        if (ban != null) {
          found++
          expect(`${ban.kind}/${ban.target.replaceAll('/', '_')}`).to.equal(key)
          expect(ban.created).to.be.a('number')
          expect(ban.expires).to.be.a('number')
        }
      }
    }), { numRuns: 1_000 })

    expect(found, 'some that are none of these').to.be.above(0)
  })
})
