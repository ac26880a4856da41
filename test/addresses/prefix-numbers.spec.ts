import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, PrefixNumbers, prefixText } from '../../src/addresses/index.ts'
import { PrefixNumbers as BrowserPrefixNumbers } from '../../src/addresses/prefix-numbers.browser.ts'

/**
 * Those of nodes and of browsers
 */
const TABLES = { 'addresses/prefix-numbers': PrefixNumbers, 'addresses/prefix-numbers in browsers': BrowserPrefixNumbers }

for (const [name, Numbers] of Object.entries(TABLES)) {
  describe(name, () => {
    for (const [family, bits] of [[4, 0], [4, 24], [4, 32], [6, 32], [6, 48], [6, 56], [6, 64], [6, 100], [6, 128]] as const) {
      it(`keeps a number for each IPv${family} network of ${bits} bits`, () => {
        // few different words, so that networks meet
        const word = fc.oneof(fc.constantFrom(0, 1, 256, 0x80000000, 0xffffffff), fc.integer({ min: 0, max: 40 }).map(i => i * 0x01010101))
        const ip = (family === 4 ? fc.tuple(word) : fc.tuple(word, word, word, word)).map(words => new IpAddress(family, words))
        const replace = (number: number): number => number % 3 === 0 ? 0 : number - 1
        const step = fc.record({ ip, number: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.constant(2 ** 31 - 4)), difference: fc.integer({ min: -3, max: 3 }), isReplaced: fc.boolean() })

        fc.assert(fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
          const numbers = new Numbers(bits)
          const model = new Map<string, number>()

          for (const { ip, number, difference, isReplaced } of steps) {
            expect(numbers.get(ip)).to.equal(model.get(prefixText(ip, bits)) ?? 0)
            numbers.set(ip, number)
            numbers.add(ip, difference)
            const sum = Math.max(0, number + difference)
            expect(numbers.addBelow(ip, 3)).to.equal(sum)
            model.set(prefixText(ip, bits), sum < 3 ? sum + 1 : sum)

            if (isReplaced) {
              numbers.replaceAll(replace)
              model.forEach((number, key) => { model.set(key, replace(number)) })
            }
          }

          for (const { ip } of steps) {
            expect(numbers.get(ip)).to.equal(model.get(prefixText(ip, bits)))
          }

          expect(numbers.size).to.equal([...model.values()].filter(number => number !== 0).length)
        }), { numRuns: 50 })
      })
    }

    it('is empty after many were set and taken away, in another order', () => {
      const numbers = new Numbers(32)

      for (let i = 0; i < 10_000; i++) {
        numbers.set(new IpAddress(4, [i * 65_536 % 0x100000000]), i + 1)
      }

      for (let i = 9_999; i >= 0; i--) {
        numbers.set(new IpAddress(4, [i * 65_536 % 0x100000000]), 0)
      }

      expect(numbers.size).to.equal(0)
      expect(numbers.get(new IpAddress(4, [65_536]))).to.equal(0)
    })
  })
}
