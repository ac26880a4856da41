import { expect } from 'aegir/chai'
import { VictimChooser } from '../../src/admission/victim-chooser.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { evictionCandidates } from './eviction-candidates.ts'
import type { EvictionCandidate } from '../../src/admission/index.ts'

describe('admission/victim-chooser', () => {
  let clock: VirtualClock
  let candidates: EvictionCandidate[]
  let chooser: VictimChooser<EvictionCandidate>

  beforeEach(() => {
    clock = new VirtualClock()
    // the youngest of one group has to go
    candidates = evictionCandidates(1_000, () => ({ group: 'one' }))
    chooser = new VictimChooser({ clock, evictionCandidates: () => candidates }, [1, 2])
  })

  it('chooses at once, also when time has just begun', () => {
    expect(chooser.choose()?.id).to.equal('999')
    expect(new VictimChooser({ clock: new VirtualClock(0), evictionCandidates: () => candidates }).choose()?.id).to.equal('999')
  })

  it('chooses among 1 000 no more than once in 10 ms', async () => {
    chooser.choose()
    await clock.advance(9)
    expect(chooser.choose()).to.be.undefined()

    await clock.advance(1)
    expect(chooser.choose()?.id).to.equal('999')
    expect(chooser.choose()).to.be.undefined()
  })

  it('chooses among few as often as it is asked', () => {
    candidates = candidates.slice(0, 99)

    expect([chooser.choose()?.id, chooser.choose()?.id]).to.deep.equal(['98', '98'])
  })

  it('goes by how many there are at that time', async () => {
    chooser.choose()
    candidates = candidates.slice(0, 50)
    await clock.advance(10)

    expect([chooser.choose()?.id, chooser.choose()?.id]).to.deep.equal(['49', '49'])
  })

  it('chooses nobody where there is nobody', () => {
    candidates = []

    expect(chooser.choose()).to.be.undefined()
  })

  it('has a secret of its own, that nobody can guess', () => {
    // all are alike but for their groups, so that the secret decides
    const alike = evictionCandidates(200, () => ({ opened: 0 }))
    const chosen = new Set(Array.from({ length: 20 }, () => new VictimChooser({ clock, evictionCandidates: () => alike }).choose()?.id))

    expect(chosen.size).to.be.above(1)
  })
})
