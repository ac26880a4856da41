import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, isLoopback, isPrivateOrLoopback, parseIp } from '../../src/addresses/index.ts'

function text (input: string): string | undefined {
  return parseIp(input)?.text
}

describe('addresses/ip-address', () => {
  it('reads IPv4', () => {
    expect(parseIp('83.12.4.5')).to.include({ family: 4 })
    expect(parseIp('255.255.255.255')?.words).to.deep.equal([0xffffffff])
    expect(text('83.12.4.5')).to.equal('83.12.4.5')
  })

  it('reads IPv6 and writes it in its shortest form', () => {
    expect(parseIp('2a01:4f8::1')?.words).to.deep.equal([0x2a0104f8, 0, 0, 1])
    expect(text('2A01:04F8:0:0:0:0:0:0001')).to.equal('2a01:4f8::1')
    expect(text('2a01:0:0:1:0:0:0:1')).to.equal('2a01:0:0:1::1')
    expect(text('2a01:0:1:1:1:1:1:1')).to.equal('2a01:0:1:1:1:1:1:1')
    expect(text('2a01:4f8:0:0:1:0:0:1')).to.equal('2a01:4f8::1:0:0:1')
    expect(text('::')).to.equal('::')
    expect(text('1::')).to.equal('1::')
    expect(text('1:2:3:4:5:6:7::')).to.equal('1:2:3:4:5:6:7:0')
  })

  it('drops the zone', () => {
    expect(text('fe80::1%eth0')).to.equal('fe80::1')
    expect(text('fe80::1%a::b')).to.equal('fe80::1')
  })

  it('takes an embedded IPv4 address out of an IPv6 address', () => {
    expect(text('::ffff:83.12.4.5'), 'IPv4-mapped').to.equal('83.12.4.5')
    expect(text('::ffff:530c:405'), 'IPv4-mapped in hex').to.equal('83.12.4.5')
    expect(text('::ffff:0:530c:405'), 'IPv4-translated').to.equal('83.12.4.5')
    expect(text('::83.12.4.5'), 'IPv4-compatible').to.equal('83.12.4.5')
    expect(text('64:ff9b::83.12.4.5'), 'NAT64').to.equal('83.12.4.5')
    expect(text('64:ff9b:1:2::83.12.4.5'), 'NAT64 of a local network').to.equal('83.12.4.5')
    expect(text('2002:530c:405::1'), '6to4').to.equal('83.12.4.5')
    expect(text('2001:0:1:2:3:4:acf3:fbfa'), 'Teredo').to.equal('83.12.4.5')
  })

  it('refuses what is no address', () => {
    const malformed = [
      '', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.', '.1.2.3', '1..2.3', '01.2.3.4', '1.2.3.4 ', '1.2.3.x', '1.2.3.-1',
      ':', ':::', '1:2', '1:2:3:4:5:6:7:8:9', '1::2::3', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:', '12345::', 'g::', '::1.2.3', '1.2.3.4::',
      '1:2:3:4:5:6:7:1.2.3.4', '1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', 'example.org', '1'.repeat(100_000), ':'.repeat(100_000)
    ]

    for (const input of malformed) {
      expect(text(input), input.slice(0, 50)).to.be.undefined()
    }
  })

  it('reads back what it writes', () => {
    const word = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffffffff }))

    fc.assert(fc.property(fc.tuple(word, word, word, word), words => {
      const ip = parseIp(new IpAddress(6, words).text)

      if (ip?.family === 6) {
        expect(ip.words).to.deep.equal(words)
      }

      // an embedded IPv4 address is the only reason to become another address
      expect(ip).to.not.be.undefined()
      expect(parseIp(ip?.text ?? '')?.words).to.deep.equal(ip?.words)
    }))
  })

  it('agrees with the URL parser about IPv6', () => {
    const characters = fc.string({ unit: fc.constantFrom('0', '1', 'f', 'A', ':', '::', '.', '10', '255'), minLength: 2, maxLength: 16 })

    fc.assert(fc.property(characters, input => {
      if (!input.includes(':')) {
        return
      }

      expect(parseIp(input) != null, input).to.equal(URL.canParse(`http://[${input}]`))
    }), { numRuns: 2000 })
  })

  it('knows private and loopback addresses', () => {
    const inside = [
      '0.0.0.0', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.0.1', '169.254.1.1', '172.16.0.1', '172.31.255.255',
      '192.168.1.1', '::', '::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1', '::ffff:10.0.0.1', '64:ff9b::192.168.1.1', '64:ff9b:1::1'
    ]
    const outside = ['9.255.255.255', '11.0.0.0', '100.63.0.1', '100.128.0.1', '128.0.0.1', '169.253.0.1', '172.15.0.1', '172.32.0.1', '192.167.0.1', '8.8.8.8', '2a01::1', 'fbff::1', 'ff02::1', '64:ff9b::8.8.8.8', '::2']

    for (const address of inside) {
      expect(isPrivateOrLoopback(parse(address)), address).to.be.true()
    }

    for (const address of outside) {
      expect(isPrivateOrLoopback(parse(address)), address).to.be.false()
    }
  })

  it('knows loopback addresses', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1'].every(address => isLoopback(parse(address)))).to.be.true()
    expect(['10.0.0.1', '::', '::2', 'fe80::1', '128.0.0.1'].some(address => isLoopback(parse(address)))).to.be.false()
  })
})

function parse (address: string): IpAddress {
  const ip = parseIp(address)

  if (ip == null) {
    throw new Error(`not an address: ${address}`)
  }

  return ip
}
