import { expect } from 'aegir/chai'
import { RecentMap } from '../src/recent-map.ts'

/**
 * How long it takes to set keys that are not there, in ms
 */
function timeToSet (map: RecentMap<string, true>, sets: number, name: string): number {
  const started = performance.now()

  for (let i = 0; i < sets; i++) {
    map.set(`${name}${i}`, true)
  }

  return performance.now() - started
}

describe('recent-map', () => {
  it('drops what was not set for longest', () => {
    const map = new RecentMap<string, number>(2)
    map.set('a', 1).set('b', 2).set('a', 3).set('c', 4)

    expect([...map]).to.deep.equal([['a', 3], ['c', 4]])
  })

  it('drops what was not set for longest in whichever order keys are set, deleted and cleared', () => {
    for (const maxSize of [1, 2, 7, 40]) {
      const map = new RecentMap<number, number>(maxSize)
      let expected: number[] = []
      let state = maxSize

      for (let i = 0; i < 3_000; i++) {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31
        const key = (state >> 8) % (3 * maxSize)
        const others = expected.filter(other => other !== key)

        if (state % 97 === 0) {
          map.clear()
          expected = []
        } else if (state % 3 === 0) {
          map.delete(key)
          expected = others
        } else {
          map.set(key, i)
          expected = [...others, key].slice(-maxSize)
        }

        expect([...map.keys()]).to.deep.equal(expected)
      }
    }
  })

  it('sets as fast at the bound when it holds very many', () => {
    // the first one is for the compiler
    const [, few, many] = [1_000, 1_000, 50_000].map(size => {
      const map = new RecentMap<string, true>(size)
      timeToSet(map, size, 'first')

      return Math.min(...['a', 'b', 'c'].map(name => timeToSet(map, 15_000, name)))
    })

    // memory that is further away makes for some of it
    expect(many).to.be.below(8 * few)
  })
})
