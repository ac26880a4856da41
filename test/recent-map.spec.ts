import { expect } from 'aegir/chai'
import { RecentMap } from '../src/recent-map.ts'

describe('recent-map', () => {
  it('drops what was not set for longest', () => {
    const map = new RecentMap<string, number>(2)
    map.set('a', 1).set('b', 2).set('a', 3).set('c', 4)

    expect([...map]).to.deep.equal([['a', 3], ['c', 4]])
  })
})
