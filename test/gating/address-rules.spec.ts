import { defaultLogger } from '@libp2p/logger'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, parseIp, prefixText } from '../../src/addresses/index.ts'
import { BanList, createGater, parseCidr } from '../../src/gating/index.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { ConnectionGaterInit } from '../../src/gating/index.ts'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')
const DENY: ConnectionGaterInit = { deny: ['203.0.113.0/24', '2001:db8::/32'] }

describe('gating/address-rules', () => {
  let clock: VirtualClock
  let answers: Record<string, readonly string[]>
  let asked: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    answers = {}
    asked = []
  })

  async function lookUp (name: string): Promise<readonly string[]> {
    asked.push(name)
    const answer = answers[name]

    if (answer == null) {
      throw new Error(`ENOTFOUND ${name}`)
    }

    return answer
  }

  async function denies (init: ConnectionGaterInit, address: string): Promise<boolean | undefined> {
    return createGater(init, { clock, lookUp }).denyDialMultiaddr?.(multiaddr(address))
  }

  it('a name is denied with any of its addresses, however the rule is given', async () => {
    answers = { 'bad.example': ['8.8.8.8', '203.0.113.7'], 'worse.example': ['2001:db8::1'], 'good.example': ['8.8.8.8', '2a00::1'] }
    const bans = new BanList({ clock, logger: defaultLogger() })
    await bans.ban('203.0.113.0/24')
    await bans.ban('2001:db8::/32')
    const inits: ConnectionGaterInit[] = [DENY, { bans }, { netRestrict: ['8.0.0.0/8', '2a00::/16'] }]

    for (const init of inits) {
      for (const way of ['tcp/1', 'tcp/1/ws', 'tcp/443/tls/ws', 'udp/1/quic-v1']) {
        expect(await denies(init, `/dns4/bad.example/${way}`), way).to.be.true()
        expect(await denies(init, `/dns/worse.example/${way}`), way).to.be.true()
        expect(await denies(init, `/dns/good.example/${way}`), way).to.be.false()
      }
    }
  })

  it('a name of an address in the local network is denied with private dials', async () => {
    answers = { 'lan.example': ['192.168.1.1'], 'mapped.example': ['::ffff:127.0.0.1'], 'good.example': ['8.8.8.8'] }

    expect(await denies({ denyPrivateDials: true }, '/dns4/lan.example/tcp/1')).to.be.true()
    expect(await denies({ denyPrivateDials: true }, '/dns4/mapped.example/tcp/1')).to.be.true()
    expect(await denies({ denyPrivateDials: true }, '/dns4/good.example/tcp/1')).to.be.false()
    expect(await denies({ denyPrivateDials: true }, '/dns4/good.example/tcp/1/ws'), 'as libp2p does').to.be.true()
  })

  it('the name for TLS is denied too, as WebSockets are dialled by it', async () => {
    answers = { 'bad.example': ['203.0.113.7'], 'good.example': ['8.8.8.8'] }

    expect(await denies(DENY, '/ip4/8.8.8.8/tcp/443/tls/sni/bad.example/ws')).to.be.true()
    expect(await denies(DENY, '/dns4/good.example/tcp/443/tls/sni/203.0.113.7/ws')).to.be.true()
    expect(await denies(DENY, '/ip4/203.0.113.7/tcp/443/tls/sni/good.example/ws')).to.be.true()
    expect(await denies(DENY, '/ip4/8.8.8.8/tcp/443/tls/sni/good.example/ws')).to.be.false()
  })

  it('a number in disguise is denied at once', () => {
    const gater = createGater(DENY, { clock, lookUp })

    for (const name of ['203.0.113.7', '203.0.113.7.', '0xcb.0.113.7', '0313.0.113.7', '3405803783', '203.28935', '２０３.0.113.7', '::ffff:203.0.113.7', '2001:DB8::1', '[2001:db8::1]']) {
      expect(gater.denyDialMultiaddr?.(multiaddr(`/dns/${name}/tcp/1`)), name).to.be.true()
    }

    expect(asked).to.be.empty()
  })

  it('a name of which no addresses are told is not dialled', async () => {
    answers = { 'empty.example': [], 'nonsense.example': ['nonsense'], 'many.example': Array.from({ length: 10_000 }, (_, i) => `8.8.${i >> 8}.${i & 255}`) }

    for (const name of ['missing.example', 'empty.example', 'nonsense.example', 'many.example']) {
      expect(await denies(DENY, `/dns4/${name}/tcp/1`), name).to.be.true()
    }
  })

  it('a name that others read as another host is not even looked up', async () => {
    for (const name of ['8.8.8.8 x', 'a@b.example', 'a.example:1', 'a%2eb.example']) {
      expect(await denies(DENY, `/dns4/${encodeURI(name)}/tcp/1`), name).to.be.true()
    }

    expect(asked).to.be.empty()
  })

  it('a look-up that hangs is not waited for, and not many of them hang', async () => {
    const gater = createGater(DENY, {
      clock,
      lookUp: async name => {
        asked.push(name)

        return new Promise(() => {})
      }
    })
    const denied: unknown[] = []

    for (let i = 0; i < 1_000; i++) {
      Promise.resolve(gater.denyDialMultiaddr?.(multiaddr(`/dns4/${i}.example/tcp/1`))).then(answer => denied.push(answer), () => {})
    }

    await settle()
    expect(asked).to.have.lengthOf(256)
    await clock.advance(5_000)
    expect(denied).to.have.lengthOf(1_000)
    expect(denied.every(answer => answer === true)).to.be.true()
  })

  it('a name is looked up once for all who dial it at the same time', async () => {
    answers = { 'good.example': ['8.8.8.8'] }
    const gater = createGater(DENY, { clock, lookUp })
    const address = multiaddr('/dns4/good.example/tcp/1')

    expect(await Promise.all([gater.denyDialMultiaddr?.(address), gater.denyDialMultiaddr?.(address)])).to.deep.equal([false, false])
    expect(asked).to.deep.equal(['good.example'])
    await gater.denyDialMultiaddr?.(address)
    expect(asked, 'the answer is not kept').to.have.lengthOf(2)
  })

  it('nothing is looked up where nothing is asked about addresses', async () => {
    const bans = new BanList({ clock, logger: defaultLogger() })

    expect(await denies({}, '/dns4/missing.example/tcp/1')).to.be.false()
    expect(await denies({ bans }, '/dns4/missing.example/tcp/1')).to.be.false()
    expect(await denies(DENY, `/dns4/missing.example/tcp/1/p2p/${PEER}/p2p-circuit`), 'the relay is dialled with an address of its own').to.be.false()
    expect(asked).to.be.empty()
  })

  it('a name is denied exactly if one of the addresses it has is in a range', async () => {
    const word = fc.nat({ max: 0xffffffff })
    const ip = fc.oneof(
      word.map(word => new IpAddress(4, [word & 0xc3000003])),
      fc.tuple(fc.constantFrom(0x20020000, 0x20010000, 0x0064ff9b, 0, 0x2a000000), word).map(([first, last]) => new IpAddress(6, [first, first === 0x20020000 ? last : 0, 0, last & 0xc3000003]))
    )
    const range = fc.tuple(ip, fc.nat({ max: 128 })).map(([ip, bits]) => prefixText(ip, bits % (ip.family === 4 ? 33 : 129)))

    await fc.assert(fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 3 }), fc.array(ip, { minLength: 1, maxLength: 4 }), async (deny, ips) => {
      answers = { 'name.example': ips.map(({ text }) => text) }
      const expected = ips.some(({ text }) => deny.some(range => isInRange(text, range)))

      expect(await denies({ deny }, '/dns4/name.example/tcp/1'), `${deny.join()} ${ips.join()}`).to.equal(expected)
    }), { numRuns: 500 })
  })
})

/**
 * Whether an address is in a range as it is written, or the IPv4 address that it embeds in
 * one of IPv4
 */
function isInRange (text: string, range: string): boolean {
  const { network, bits } = parseCidr(range)
  const ip = parseIp(text)

  return [ip, ip?.embeddedIn].some(ip => ip?.family === network.family && binary(ip).slice(0, bits) === binary(network).slice(0, bits))
}

function binary ({ words }: IpAddress): string {
  return words.map(word => word.toString(2).padStart(32, '0')).join('')
}
