import { expect } from 'aegir/chai'
import { createHashKey, keyedHash } from '../../src/admission/keyed-hash.ts'

describe('admission/keyed-hash', () => {
  it('agrees with the reference implementation of HalfSipHash-2-4', () => {
    // its key is the bytes 0 to 7, and its inputs of 0, 2, 4 and 6 bytes are 0, 1, 2 …
    const key = [0x03020100, 0x07060504] as const
    const inputs = ['', '\u0100', '\u0100\u0302', '\u0100\u0302\u0504']

    expect(inputs.map(input => keyedHash(key, input).toString(16))).to.deep.equal(['5b9f35a9', '3a662fa', '89466e2a', '23fc6358'])
  })

  it('is another one with another key', () => {
    expect(keyedHash([1, 2], '203.0.0.0/16')).to.not.equal(keyedHash([1, 3], '203.0.0.0/16'))
    expect(createHashKey()).to.not.deep.equal(createHashKey())
  })

  it('spreads similar texts over all numbers', () => {
    const key = createHashKey()
    const highest = new Set<number>()

    for (let i = 0; i < 1_000; i++) {
      highest.add(keyedHash(key, `203.${i}.0.0/16`) >>> 28)
    }

    expect(highest.size).to.equal(16)
  })
})
