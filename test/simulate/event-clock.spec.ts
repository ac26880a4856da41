import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { EventClock } from '../../simulate/event-clock.ts'
import { EventHeap } from '../../simulate/event-heap.ts'

describe('simulate/event-clock', () => {
  it('events come in the order of their times, those of the same time as they were added', () => {
    const nothing = (): void => {}

    fc.assert(fc.property(fc.array(fc.nat(20)), times => {
      const heap = new EventHeap()
      times.forEach(at => { heap.add(at, nothing) })
      const taken = times.map(() => heap.take(Infinity)).map(event => [event?.at, event?.order])

      expect(taken).to.deep.equal(times.map((at, order) => [at, order]).sort((a, b) => a[0] - b[0] || a[1] - b[1]))
      expect(heap.take(Infinity)).to.be.undefined()
    }))
  })

  it('an event that is later than the end is left', () => {
    const heap = new EventHeap()
    heap.add(10, () => {})

    expect(heap.take(9)).to.be.undefined()
    expect(heap.take(10)?.at).to.equal(10)
  })

  it('the time is that of the event, and of the end when all is over', async () => {
    const clock = new EventClock(100)
    const times: number[] = []
    const note = (): void => { times.push(clock.now()) }

    clock.setTimeout(() => {
      note()
      clock.setTimeout(note, 5)
    }, 20)
    clock.schedule(10, note)
    clock.setTimeout(note, 15).clear()
    clock.setTimeout(note, 1_000)
    await clock.runUntil(150)

    expect(times).to.deep.equal([110, 120, 125])
    expect(clock.now()).to.equal(150)
    expect(clock.events).to.equal(3)
  })

  it('what a timer sets off with promises is over before the next event', async () => {
    const clock = new EventClock(0)
    const seen: string[] = []
    const later = async (): Promise<void> => {
      await clock.nextTurn()
      seen.push('promise')
    }

    clock.setTimeout(() => {
      later().catch(() => {})
    }, 1)
    clock.schedule(1, () => { seen.push('event') })
    await clock.runUntil(2)

    expect(seen).to.deep.equal(['promise', 'event'])
  })
})
