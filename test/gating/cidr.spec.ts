import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { parseIp } from '../../src/addresses/index.ts'
import { cidrSet, parseCidr } from '../../src/gating/index.ts'
import type { Cidr, CidrMap } from '../../src/gating/index.ts'

describe('gating/cidr', () => {
  const valid = {
    '10.0.0.0/8': '10.0.0.0/8',
    '10.1.2.3/8': '10.0.0.0/8',
    '10.1.2.3': '10.1.2.3/32',
    '0.0.0.0/0': '0.0.0.0/0',
    '2a01:4f8::/32': '2a01:4f8::/32',
    '2A01:4F8:ffff::1/33': '2a01:4f8:8000::/33',
    '2a01:4f8::1': '2a01:4f8::1/128',
    '::/0': '::/0',
    'fe80::1%eth0/64': 'fe80::/64',
    '/ip4/10.0.0.0/ipcidr/8': '10.0.0.0/8',
    '/ip4/10.1.2.3': '10.1.2.3/32',
    '/ip4/10.1.2.3/tcp/4001': '10.1.2.3/32',
    '/ip6/2a01:4f8::/ipcidr/32': '2a01:4f8::/32',
    '/ip6zone/eth0/ip6/fe80::1/ipcidr/64': 'fe80::/64',
    '::ffff:10.1.2.3': '10.1.2.3/32',
    '::ffff:10.1.2.3/104': '10.0.0.0/8',
    '64:ff9b::10.1.2.3/120': '10.1.2.0/24',
    '2002:a01:203::/40': '10.1.2.0/24',
    '2002:a01:203::/64': '10.1.2.3/32',
    '::10.1.2.3/120': '10.1.2.0/24',

    // all of IPv4, where it is never anything else
    '::ffff:0:0/96': '0.0.0.0/0',

    // no range of IPv4 addresses means the same
    '2002::/16': '2002::/16',
    '2002:a01::/12': '2000::/12',
    '2001::/32': '2001::/32',
    '2001:0:1:2::/64': '2001:0:1:2::/64',
    '64:ff9b::/96': '64:ff9b::/96',
    '64:ff9b:1::/48': '64:ff9b:1::/48',
    '::/96': '::/96',
    '::ffff:0:0:0/96': '::ffff:0:0:0/96'
  }

  for (const [input, expected] of Object.entries(valid)) {
    it(`${input} is ${expected}`, () => {
      expect(parseCidr(input).text).to.equal(expected)
    })
  }

  // what is written, what it is embedded in if anything, and what of both the range holds
  const holds: Array<[range: string, inside: string[], outside: string[]]> = [
    ['2002::/16', ['2002:c633:6401::1'], ['198.51.100.1', '2001::1', '::ffff:198.51.100.1']],
    ['2000::/3', ['2002:c633:6401::1', '2001::1', '2a00::1'], ['64:ff9b::c633:6401', '198.51.100.1']],
    ['64:ff9b::/96', ['64:ff9b::c633:6401'], ['198.51.100.1', '64:ff9b:1::c633:6401']],
    ['64:ff9b:1::/48', ['64:ff9b:1::c633:6401', '64:ff9b:1::1'], ['64:ff9b::c633:6401']],
    ['2001::/16', ['2001:db8::1', '2001::1'], ['2002:c633:6401::1']],
    ['::/0', ['2002:c633:6401::1', '2001::1', '64:ff9b::c633:6401', '::198.51.100.1', '::1', '2a00::1'], ['198.51.100.1', '::ffff:198.51.100.1']],
    ['0.0.0.0/0', ['198.51.100.1', '::ffff:198.51.100.1', '2002:c633:6401::1', '2001:0:1:2:3:4:39cc:9bfe', '64:ff9b::c633:6401', '64:ff9b:1::c633:6401', '::198.51.100.1', '::ffff:0:c633:6401'], ['2a00::1', '::1']],
    ['198.51.100.0/24', ['::ffff:198.51.100.1', '2002:c633:6401::1', '2001:0:1:2:3:4:39cc:9bfe', '64:ff9b::c633:6401', '64:ff9b:1::c633:6401', '::198.51.100.1'], ['::ffff:198.51.101.1', '2002:c633:6501::1']]
  ]

  for (const [range, inside, outside] of holds) {
    it(`${range} holds every address that is in it, however that is written, and no other`, () => {
      const set = cidrSet([range])

      expect(inside.filter(address => !isIn(set, address)), 'inside').to.be.empty()
      expect(outside.filter(address => isIn(set, address)), 'outside').to.be.empty()
    })
  }

  it('takes a multiaddr', () => {
    expect(parseCidr(multiaddr('/ip4/10.0.0.0/ipcidr/8')).text).to.equal('10.0.0.0/8')
    expect(parseCidr(multiaddr(multiaddr('/ip4/10.0.0.0/ipcidr/8').bytes)).text).to.equal('10.0.0.0/8')
  })

  const invalid = [
    '', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8.0', '10.0.0.0/0x8', '10.0.0.0/8/8', '10.0.0/8', '2a01::/129', 'example.org', 'example.org/8',
    '/dns4/example.org', '/ip4/10.0.0.0/ipcidr/33', '/ip4/10.0.0.0/ipcidr/x', '/tcp/4001', '/nonsense',
    '/ip4/10.0.0.1/tcp/1/p2p/12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq/p2p-circuit',
    '10.0.0.0/' + '1'.repeat(100_000)
  ]

  for (const input of invalid) {
    it(`${JSON.stringify(input.slice(0, 60))} is refused with the name of the option`, () => {
      expect(() => parseCidr(input, 'deny[2]')).to.throw()
        .with.property('message').that.matches(/^"deny\[2\]" must be an IP address or a CIDR/)
    })
  }
})

function isIn (set: CidrMap<Cidr>, address: string): boolean {
  const ip = parseIp(address)

  return ip != null && set.has(ip)
}
