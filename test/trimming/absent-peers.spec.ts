import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { AbsentPeers } from '../../src/trimming/absent-peers.ts'

describe('trimming/absent-peers', () => {
  it('keeps at most so many, for so long, the youngest ones', () => {
    const step = fc.record({ type: fc.constantFrom('set', 'set', 'set', 'delete', 'wait'), peer: fc.constantFrom('a', 'b', 'c', 'd', 'e') })

    fc.assert(fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.integer({ min: 0, max: 4 }), (steps, maxPeers) => {
      const absent = new AbsentPeers<{ since: number }>(maxPeers, 10)
      let model: Array<{ peer: string, since: number }> = []
      let now = 0
      const isKept = ({ since }: { since: number }): boolean => now - since < 10

      for (const { type, peer } of steps) {
        if (type === 'wait') {
          now += 3
        } else if (type === 'delete') {
          absent.delete(peer)
          model = model.filter(other => other.peer !== peer)
        } else {
          absent.set(peer, { since: now }, now)
          model = [...model.filter(other => other.peer !== peer).filter(isKept), { peer, since: now }].slice(maxPeers === 0 ? Infinity : -maxPeers)

          expect(absent.size).to.equal(model.length)
        }

        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const expected = model.filter(isKept).find(({ peer }) => peer === name)
          expect(absent.get(name, now)?.since).to.equal(expected?.since)
        }
      }
    }), { numRuns: 100 })
  })

  it('keeps a peer until the time has passed', () => {
    const absent = new AbsentPeers<{ since: number }>(2, 10)
    absent.set('a', { since: 5 }, 5)

    expect(absent.get('a', 14)).to.deep.equal({ since: 5 })
    expect(absent.get('a', 15)).to.be.undefined()
  })

  it('forgets all at once, and counts anew from then on', () => {
    const absent = new AbsentPeers<{ since: number }>(2, Infinity)
    const add = (peers: string[]): void => { peers.forEach(peer => { absent.set(peer, { since: 0 }, 0) }) }
    add(['a', 'b', 'c'])
    absent.clear()
    expect([absent.size, absent.get('c', 0)]).to.deep.equal([0, undefined])

    add(['d', 'e', 'f'])
    expect(['d', 'e', 'f'].filter(peer => absent.get(peer, 0) != null)).to.deep.equal(['e', 'f'])
  })

  describe('its queue', () => {
    const queueOf = (absent: AbsentPeers<{ since: number }>): unknown[] => (absent as unknown as { queue: unknown[] }).queue

    for (const [what, before] of Object.entries({ '': [], ', though another one stays': ['b'] })) {
      it(`does not grow with a peer that comes and goes all the time${what}`, () => {
        const absent = new AbsentPeers<{ since: number }>(10, Infinity)
        before.forEach(peer => { absent.set(peer, { since: 0 }, 0) })

        for (let i = 0; i < 1_000; i++) {
          absent.set('a', { since: i }, i)
          absent.delete('a')
        }

        expect(queueOf(absent)).to.have.lengthOf.below(100)
        expect(before.every(peer => absent.get(peer, 0) != null)).to.be.true()
      })
    }

    it('is gone through only when more than half of it is stale', () => {
      const absent = new AbsentPeers<{ since: number }>(300, Infinity)
      const queues = new Set<unknown>()

      for (let i = 0; i < 600; i++) {
        absent.set(`peer-${i % 300}`, { since: i }, i)
        queues.add(queueOf(absent))
      }

      expect(queues.size).to.equal(1)
    })
  })
})
