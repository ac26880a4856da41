import { CODE_DNS4, CODE_TCP, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, addressGroup, dialledHosts, ipOfName, isHostName, remoteIp, withIp } from '../../src/addresses/index.ts'

const RELAY = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'

/**
 * One number, with which another one may be written in a URL or for a socket
 */
type Write = (number: number) => string

const DECIMAL: Write = number => String(number)
const WRITTEN: Write[] = [
  DECIMAL,
  number => `0${number.toString(8)}`,
  number => `000${number.toString(8)}`,
  number => `0x${number.toString(16)}`,
  number => `0X${number.toString(16).toUpperCase()}`,
  number => `0x00${number.toString(16)}`,
  number => [...String(number)].map(digit => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join(''),
  number => [...String(number)].join('\u00ad')
]

describe('addresses/host-names', () => {
  const disguises = {
    '83.12.4.5': '83.12.4.5',
    '83.12.4.5.': '83.12.4.5',
    '0x53.12.4.5': '83.12.4.5',
    '0123.014.04.05': '83.12.4.5',
    1393296389: '83.12.4.5',
    '0x530C0405': '83.12.4.5',
    83.786437: '83.12.0.5',
    83.1: '83.0.0.1',
    '83.12.1029': '83.12.4.5',
    '８３．１２．４．５': '83.12.4.5',
    '83。12。4。5': '83.12.4.5',
    '８3.12.4.5': '83.12.4.5',
    '⑧③.12.4.5': '83.12.4.5',
    '83.12.4\u00ad.5': '83.12.4.5',
    '%38%33.12.4.5': '83.12.4.5',
    'user@83.12.4.5': '83.12.4.5',
    '83.12.4.5:80': '83.12.4.5',
    '83.12.4.5/path': '83.12.4.5',
    '2A01:4F8::1': '2a01:4f8::1',
    '[2a01:4f8::1]': '2a01:4f8::1',
    '::ffff:83.12.4.5': '83.12.4.5',
    '[::FFFF:530c:405]': '83.12.4.5',
    '2002:530c:405::1': '83.12.4.5',
    'fe80::1%eth0': 'fe80::1'
  }

  for (const [name, expected] of Object.entries(disguises)) {
    it(`takes the name ${name} for the number that it is`, () => {
      expect(ipOfName(name)?.text).to.equal(expected)
    })
  }

  it('leaves names that have to be looked up alone', () => {
    const names = ['example.org', 'localhost', '1.example.org', '83-12-4-5.example.org', '0x53.example', '1.2.3.4.5', '83.12.4.256', '4294967296', '08.1.1.1', '', '.', 'bücher.example', 'x'.repeat(100_000), `83.12.4.5${'\u00ad'.repeat(100_000)}`]

    expect(names.filter(name => ipOfName(name) != null)).to.be.empty()
  })

  it('finds the number however its parts are written and joined', () => {
    const writing = fc.constantFrom(...WRITTEN)

    fc.assert(fc.property(fc.nat({ max: 0xffffffff }), fc.integer({ min: 1, max: 4 }), fc.tuple(writing, writing, writing, writing), fc.constantFrom('', '.'), (word, count, write, end) => {
      // the last part stands for all bytes that are left
      const bytes = [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff]
      const parts = [...bytes.slice(0, count - 1), count === 1 ? word : word & (2 ** (8 * (5 - count)) - 1)]
      const name = parts.map((part, i) => write[i](part)).join('.') + end

      expect(ipOfName(name)?.text, name).to.equal(new IpAddress(4, [word]).text)
    }))
  })

  it('knows which names can not be those of hosts', () => {
    expect(['example.org', 'localhost', '_x.example.org', 'bücher.example', '*.libp2p.direct'].every(isHostName)).to.be.true()
    expect(['', 'a b', 'a/b', 'a@b', 'a:1', 'a?b', 'a#b', 'a\\b', 'a%2eb', 'a\u0000b', '[x]', 'x'.repeat(100_000)].some(isHostName)).to.be.false()
  })

  it('finds all that an address is dialled at', () => {
    const found = (address: string): { addresses: string[], names: readonly string[] } => {
      const { addresses, names } = dialledHosts(multiaddr(address))

      return { addresses: addresses.map(String), names }
    }

    expect(found('/ip4/83.12.4.5/tcp/1')).to.deep.equal({ addresses: ['/ip4/83.12.4.5/tcp/1'], names: [] })
    expect(found('/memory/1')).to.deep.equal({ addresses: ['/memory/1'], names: [] })
    expect(found('/dns4/example.org/tcp/1')).to.deep.equal({ addresses: [], names: ['example.org'] })
    expect(found('/dns/0x53.12.4.5/tcp/1')).to.deep.equal({ addresses: ['/ip4/83.12.4.5/tcp/1'], names: [] })
    expect(found('/dns6/2002:530c:405::1/tcp/1')).to.deep.equal({ addresses: ['/ip6/2002:530c:405::1/tcp/1'], names: [] })
    expect(found('/ip4/8.8.8.8/tcp/443/tls/sni/example.org/ws')).to.deep.equal({ addresses: ['/ip4/8.8.8.8/tcp/443/tls/sni/example.org/ws'], names: ['example.org'] })
    expect(found('/dns4/a.example/tcp/443/tls/sni/b.example/ws')).to.deep.equal({ addresses: [], names: ['a.example', 'b.example'] })
    expect(found('/ip4/8.8.8.8/tcp/443/tls/sni/83.3146757/ws')).to.deep.equal({ addresses: ['/ip4/8.8.8.8/tcp/443/tls/sni/83.3146757/ws', '/ip4/83.48.4.5/tcp/443/tls/sni/83.3146757/ws'], names: [] })
    expect(found(`/dns4/example.org/tcp/1/p2p/${RELAY}/p2p-circuit`)).to.deep.equal({ addresses: [`/dns4/example.org/tcp/1/p2p/${RELAY}/p2p-circuit`], names: [] })
  })

  it('puts an IP address in the place of the host', () => {
    const ip = new IpAddress(4, [0x530c0405])

    expect(withIp(multiaddr('/dns4/example.org/tcp/1/ws'), ip).toString()).to.equal('/ip4/83.12.4.5/tcp/1/ws')
    expect(withIp(multiaddr('/ip6zone/eth0/ip6/fe80::1/tcp/1'), ip).toString()).to.equal('/ip4/83.12.4.5/tcp/1')
  })

  it('groups and judges a number in disguise as the address that it is', () => {
    const address = multiaddr([{ code: CODE_DNS4, name: 'dns4', value: '0123.12.4.5' }, { code: CODE_TCP, name: 'tcp', value: '1' }])

    expect(remoteIp(address)?.text).to.equal('83.12.4.5')
    expect(addressGroup(address)).to.equal('83.12.0.0/16')
    expect(addressGroup(multiaddr('/dns4/127.1/tcp/1'))).to.be.undefined()
  })
})
