import { expect } from 'aegir/chai'
import { Agenda } from '../../src/reachability/agenda.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('agenda', () => {
  let clock: VirtualClock
  let errors: unknown[]
  let done: string[]
  let agenda: Agenda

  beforeEach(() => {
    clock = new VirtualClock(0)
    errors = []
    done = []
    agenda = new Agenda(clock, err => { errors.push(err) })
  })

  it('does things in time, on one timer', async () => {
    [30, 10, 20].forEach(at => {
      agenda.set(`${at}`, at, () => { done.push(`${at}`) })
      expect(clock.timers).to.equal(1)
    })

    await clock.advance(25)
    expect(done).to.deep.equal(['10', '20'])
    agenda.clear()
    expect(clock.timers).to.equal(0)
  })

  it('replaces, hastens and forgets', async () => {
    agenda.set('a', 10, () => { done.push('first') })
    agenda.set('a', 20, () => { done.push('second') })
    agenda.hasten('a', 30, () => { done.push('third') })
    agenda.set('b', 10, () => { done.push('b') })
    agenda.delete('b')
    await clock.advance(100)

    expect(done).to.deep.equal(['third'])
  })

  it('reports what fails and goes on', async () => {
    agenda.set('throws', 1, () => { throw new Error('sync') })
    agenda.set('rejects', 1, async () => { throw new Error('async') })
    agenda.set('works', 2, () => { done.push('works') })
    await clock.advance(5)

    expect(errors.map(String)).to.deep.equal(['Error: sync', 'Error: async'])
    expect(done).to.deep.equal(['works'])
  })

  it('lets a task plan itself again', async () => {
    const again = (): void => {
      done.push('again')
      agenda.set('again', clock.now() + 10, again)
    }

    agenda.set('again', 10, again)
    await clock.advance(35)
    expect(done).to.have.lengthOf(3)
  })
})
