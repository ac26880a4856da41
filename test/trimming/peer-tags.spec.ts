import { expect } from 'aegir/chai'
import { fixed, sum } from '../../src/trimming/index.ts'
import { PeerTags } from '../../src/trimming/peer-tags.ts'

const MINUTE = 60_000

describe('trimming/peer-tags', () => {
  let now: number
  let tags: PeerTags

  const clock = (): number => now

  beforeEach(() => {
    now = 0
    tags = new PeerTags()
  })

  it('have nothing that decays at first', () => {
    expect(tags.decays).to.be.false()
    expect(tags.plainSum).to.equal(0)
    expect(tags.size).to.equal(0)
    expect(tags.delete('a', clock)).to.be.false()
  })

  it('are nothing but values, where there is nothing else to know', () => {
    tags.bump('a', 5, {}, clock)
    tags.bump('b', 6, {}, clock)
    tags.bump('a', 7, {}, clock)

    expect(['a', 'b', 'c'].map(name => tags.get(name))).to.deep.equal([7, 6, undefined])
  })

  it('are more than values, where they decay or add up', () => {
    tags.bump('a', 5, { bump: sum() }, clock)
    expect(tags.decays).to.be.false()
    tags.bump('b', 5, { decay: fixed(1) }, clock)
    tags.bump('a', 5, {}, clock)

    expect(tags.get('a')).to.include({ value: 10 })
    expect(tags.get('b')).to.include({ value: 5, interval: MINUTE })
    expect(tags.decays).to.be.true()
  })

  it('are gone when they are deleted, the first as well as others, and whoever is asked for that was not there', () => {
    for (const name of ['a', 'b', 'c']) {
      tags.bump(name, 1, {}, clock)
    }

    expect(['b', 'a', 'b'].map(name => tags.delete(name, clock))).to.deep.equal([true, true, false])
    expect(tags.values(now)).to.deep.equal(new Map([['c', 1]]))
    expect(tags.size).to.equal(1)

    tags.bump('c', 4, {}, clock)
    tags.bump('a', 2, {}, clock)
    expect(tags.values(now)).to.deep.equal(new Map([['c', 4], ['a', 2]]))
    expect(tags.plainSum).to.equal(6)
  })

  it('were not there any more, when they are deleted after they have decayed', () => {
    tags.bump('a', 1, { decay: fixed(1) }, clock)
    now = MINUTE

    expect(tags.delete('a', clock)).to.be.false()
    expect(tags.decays).to.be.false()
  })

  it('are forgotten when they have decayed, and no others', () => {
    tags.bump('a', 1, { decay: fixed(1) }, clock)
    tags.bump('b', 5, { decay: fixed(1) }, clock)
    tags.bump('c', 0, {}, clock)
    now = MINUTE
    tags.compact(now)

    expect(tags.values(now)).to.deep.equal(new Map([['b', 4], ['c', 0]]))
    expect(tags.value(clock)).to.equal(4)
  })
})
