import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MAX_RTT_RATIO, MIN_RTT_ADVANTAGE, selectPath } from '../../src/core/best-path.ts'
import type { Path } from '../../src/core/best-path.ts'

let ids = 0

function path (init: Partial<Path> = {}): Path {
  return { limited: false, direct: true, streams: 0, openedAt: 0, id: `path-${ids++}`, ...init }
}

const LIMITED = { limited: true, direct: false }

describe('connections/best-path', () => {
  describe('without one in use', () => {
    it('is a direct one with 1 stream rather than a limited one with 5', () => {
      const limited = path({ ...LIMITED, streams: 5 })
      const direct = path({ streams: 1 })

      expect(selectPath([limited, direct])).to.equal(direct)
    })

    it('is the newest of two with as many streams', () => {
      const older = path({ streams: 1, openedAt: 1 })
      const newer = path({ streams: 1, openedAt: 2 })

      expect(selectPath([older, newer])).to.equal(newer)
      expect(selectPath([newer, older])).to.equal(newer)
    })

    it('is one without limits rather than one that is direct', () => {
      const relayed = path({ direct: false })

      expect(selectPath([path({ limited: true }), relayed])).to.equal(relayed)
    })

    it('is a direct one, however slow, rather than a relayed one', () => {
      const direct = path({ rtt: 2_000 })

      expect(selectPath([direct, path({ direct: false, rtt: 1, streams: 9 })])).to.equal(direct)
    })

    it('is one that is faster rather than one with more streams', () => {
      const fast = path({ rtt: 50 })

      expect(selectPath([path({ rtt: 100, streams: 9, openedAt: 9 }), fast])).to.equal(fast)
    })

    it('is one with more streams rather than one that is faster by little', () => {
      const busy = path({ rtt: 100, streams: 1 })

      expect(selectPath([path({ rtt: 81, openedAt: 9 }), busy]), 'less than 20 %').to.equal(busy)

      const near = path({ rtt: 6, streams: 1 })

      expect(selectPath([path({ rtt: 2, openedAt: 9 }), near]), 'less than 5 ms').to.equal(near)
    })

    it('does not hold it against one that it was not measured', () => {
      const busy = path({ streams: 2 })

      expect(selectPath([path({ rtt: 1, streams: 1 }), busy])).to.equal(busy)
    })

    it('is none if there is none', () => {
      expect(selectPath([])).to.be.undefined()
    })
  })

  describe('with one in use', () => {
    it('stays although another one has more streams or is newer', () => {
      const current = path({ rtt: 100 })

      expect(selectPath([current, path({ rtt: 100, streams: 9, openedAt: 9 })], current)).to.equal(current)
    })

    it('stays until another one is faster by 20 % and 5 ms', () => {
      const current = path({ rtt: 100 })
      const faster = path({ rtt: 80 })

      expect(selectPath([current, path({ rtt: 81 })], current)).to.equal(current)
      expect(selectPath([current, faster], current)).to.equal(faster)

      const close = path({ rtt: 10 })
      const closer = path({ rtt: 5 })

      expect(selectPath([close, path({ rtt: 6 })], close)).to.equal(close)
      expect(selectPath([close, closer], close)).to.equal(closer)
    })

    it('makes place for one of a better kind at once', () => {
      const relayed = path({ ...LIMITED, rtt: 1, streams: 5 })
      const direct = path({ rtt: 500 })

      expect(selectPath([relayed, direct], relayed)).to.equal(direct)
    })

    it('never makes place for one of a worse kind', () => {
      const direct = path({ rtt: 500 })

      expect(selectPath([direct, path({ direct: false, rtt: 1 })], direct)).to.equal(direct)
    })

    it('stays when there is no other', () => {
      const current = path()

      expect(selectPath([current], current)).to.equal(current)
    })

    it('is forgotten when it is not there any more', () => {
      const other = path({ direct: false })

      expect(selectPath([other], path())).to.equal(other)
    })
  })

  describe('whatever the paths', () => {
    const paths = fc.array(fc.record({
      limited: fc.boolean(),
      direct: fc.boolean(),
      rtt: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
      streams: fc.integer({ min: 0, max: 3 }),
      openedAt: fc.integer({ min: 0, max: 3 })
    }), { minLength: 1, maxLength: 6 }).map(records => records.map((record, index): Path => ({ ...record, id: `${index}` })))

    it('does not depend on their order', () => {
      fc.assert(fc.property(paths, fc.nat(), (paths, seed) => {
        const current = seed % 2 === 0 ? undefined : paths[seed % paths.length]
        const selected = selectPath(paths, current)

        expect(selectPath([...paths].reverse(), current)).to.equal(selected)
        expect(selectPath([...paths.slice(1), paths[0]], current)).to.equal(selected)
      }), { numRuns: 500 })
    })

    it('leaves the one in use for a good reason only, and does not go back', () => {
      fc.assert(fc.property(paths, fc.nat(), (paths, seed) => {
        const current = paths[seed % paths.length]
        const selected = selectPath(paths, current)

        expect(selected).to.not.be.undefined()

        if (selected == null || selected === current) {
          return
        }

        if (selected.limited === current.limited && selected.direct === current.direct) {
          const [rtt, before] = [selected.rtt ?? Infinity, current.rtt ?? -Infinity]
          expect(before - rtt).to.be.at.least(MIN_RTT_ADVANTAGE)
          expect(rtt).to.be.at.most(before * MAX_RTT_RATIO)
        }

        expect(selectPath([selected, current], selected)).to.equal(selected)
      }), { numRuns: 500 })
    })
  })
})
