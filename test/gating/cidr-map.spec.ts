import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, addressBits, prefixNetwork, prefixText } from '../../src/addresses/index.ts'
import { CidrMap, cidrOf, cidrSet, parseCidr } from '../../src/gating/index.ts'
import type { Cidr } from '../../src/gating/index.ts'

function ip (text: string): IpAddress {
  return parseCidr(text).network
}

/**
 * What the map should find, by going through a list
 */
function mostSpecific<T extends { range: Cidr }> (list: T[], probe: IpAddress): T | undefined {
  return list
    .filter(({ range: { network, bits } }) => network.family === probe.family && prefixText(network, bits) === prefixText(probe, bits))
    .sort((a, b) => b.range.bits - a.range.bits)[0]
}

describe('gating/cidr-map', () => {
  it('finds the most specific range', () => {
    const map = new CidrMap<string>()
    map.set(parseCidr('0.0.0.0/0'), 'all')
    map.set(parseCidr('10.0.0.0/8'), 'wide')
    map.set(parseCidr('10.1.0.0/16'), 'narrow')
    map.set(parseCidr('10.1.2.3'), 'one')

    expect(map.match(ip('10.1.2.3'))).to.equal('one')
    expect(map.match(ip('10.1.2.4'))).to.equal('narrow')
    expect(map.match(ip('10.2.2.3'))).to.equal('wide')
    expect(map.match(ip('11.1.2.3'))).to.equal('all')
    expect(map.match(ip('2a01::1'))).to.be.undefined()
    expect(map.size).to.equal(4)
  })

  it('passes over ranges that are not accepted', () => {
    const map = new CidrMap<string>()
    map.set(parseCidr('10.0.0.0/8'), 'wide')
    map.set(parseCidr('10.1.0.0/16'), 'narrow')

    expect(map.match(ip('10.1.2.3'), value => value !== 'narrow')).to.equal('wide')
  })

  it('does what a list of ranges does', () => {
    // few different words, so that ranges meet
    const word = fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a010203, 0x0a010303)
    const address = fc.oneof(
      word.map(w => new IpAddress(4, [w])),
      fc.tuple(word, word, word, word).map(words => new IpAddress(6, words))
    )
    const range = fc.tuple(address, fc.nat()).map(([address, seed]): Cidr => {
      const bits = seed % (addressBits(address.family) + 1)

      return { network: prefixNetwork(address, bits), bits, text: prefixText(address, bits) }
    })
    const step = fc.record({ range, isDelete: fc.boolean(), probe: address })

    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), steps => {
      const map = new CidrMap<number>()
      const list = new Map<string, { range: Cidr, value: number }>()

      steps.forEach(({ range, isDelete, probe }, i) => {
        if (isDelete) {
          expect(map.delete(range)).to.equal(list.delete(range.text))
        } else {
          map.set(range, i)
          list.set(range.text, { range, value: i })
        }

        expect(map.match(probe)).to.equal(mostSpecific([...list.values()], probe)?.value)
        expect(map.get(range)).to.equal(list.get(range.text)?.value)
        expect(map.size).to.equal(list.size)
      })
    }), { numRuns: 500 })
  })

  it('is filled from a list, and names what is wrong in it', () => {
    const set = cidrSet(['10.0.0.0/8', '/ip6/2a01::/ipcidr/16'], 'deny')

    expect(set.has(ip('10.1.2.3'))).to.be.true()
    expect(set.match(ip('2a01::1'))?.text).to.equal('2a01::/16')
    expect(set.has(ip('11.1.2.3'))).to.be.false()
    expect(() => cidrSet(['10.0.0.0/8', '10.0.0.0/x'], 'deny')).to.throw('"deny[1]" must be')
  })

  it('is empty after everything was deleted or cleared', () => {
    const ranges = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16', '10.1.2.3', '2a01::/16'].map(text => parseCidr(text))
    const map = new CidrMap<string>()

    for (const empty of [() => { ranges.forEach(range => { map.delete(range) }) }, () => { map.clear() }]) {
      ranges.forEach(range => { map.set(range, range.text) })
      expect(map.size).to.equal(6)
      empty()
      expect(map.size).to.equal(0)
      expect(ranges.some(({ network }) => map.has(network))).to.be.false()
    }
  })

  it('takes no more memory than the most that it ever held', () => {
    const map = new CidrMap<number>()

    for (let i = 0; i < 20_000; i++) {
      map.set(cidrOf(new IpAddress(4, [i * 7919])), i)
      map.delete(cidrOf(new IpAddress(4, [(i - 10) * 7919 >>> 0])))
    }

    expect(map.size).to.equal(10)
    expect(memoryOf(map)).to.be.at.most(2_000)
  })
})

/**
 * How many numbers a map holds
 */
function memoryOf (map: unknown): number {
  return JSON.stringify(map, (_, value: unknown) => value instanceof Map ? [...value] : value).split(',').length
}
