import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { addressBits, IpAddress, prefixText } from '../../src/addresses/index.ts'

const word = fc.integer({ min: 0, max: 0xffffffff })
const ipv4 = fc.tuple(word).map(words => new IpAddress(4, words))
const ipv6 = fc.tuple(word, word, word, word).map(words => new IpAddress(6, words))

/**
 * The bits of an address, most significant first
 */
function bitsOf (ip: IpAddress): string {
  return ip.words.map(word => word.toString(2).padStart(32, '0')).join('')
}

/**
 * An address that differs from another one in a single bit
 */
function flip (ip: IpAddress, bit: number): IpAddress {
  return new IpAddress(ip.family, ip.words.map((word, i) => i === bit >> 5 ? (word ^ (1 << (31 - bit % 32))) >>> 0 : word))
}

describe('addresses/prefixes', () => {
  it('writes a prefix in CIDR notation', () => {
    expect(prefixText(new IpAddress(4, [0x530c0405]), 24)).to.equal('83.12.4.0/24')
    expect(prefixText(new IpAddress(4, [0x530c0405]), 0)).to.equal('0.0.0.0/0')
    expect(prefixText(new IpAddress(6, [0x2a0104f8, 0x12345678, 1, 2]), 56)).to.equal('2a01:4f8:1234:5600::/56')
    expect(prefixText(new IpAddress(6, [0x2a0104f8, 0x12345678, 1, 2]), 128)).to.equal('2a01:4f8:1234:5678:0:1:0:2/128')
  })

  it('has the same text for two addresses exactly if their first bits are the same', () => {
    fc.assert(fc.property(fc.oneof(ipv4, ipv6), fc.nat(), fc.nat(), (ip, bitSeed, lengthSeed) => {
      const size = addressBits(ip.family)
      const other = flip(ip, bitSeed % size)
      const bits = lengthSeed % (size + 1)
      const isSame = bitsOf(ip).slice(0, bits) === bitsOf(other).slice(0, bits)

      expect(prefixText(ip, bits) === prefixText(other, bits)).to.equal(isSame)
    }), { numRuns: 1000 })
  })
})
