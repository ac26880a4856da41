import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DueQueue } from '../../src/upkeep/due-queue.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

interface Call {
  item: string
  lateBy: number
  at: number
}

describe('connections/due-queue', () => {
  const START = 1_000_000
  let clock: VirtualClock
  let calls: Call[]
  let queue: DueQueue<string>

  beforeEach(() => {
    clock = new VirtualClock(START)
    calls = []
    queue = new DueQueue<string>(clock, (item, lateBy) => { calls.push({ item, lateBy, at: clock.now() - START }) })
  })

  it('calls back when items are due, in order', async () => {
    queue.schedule('b', START + 20)
    queue.schedule('a', START + 10)
    queue.schedule('c', START + 30)
    expect(queue.size).to.equal(3)

    await clock.advance(25)
    expect(calls).to.deep.equal([{ item: 'a', lateBy: 0, at: 10 }, { item: 'b', lateBy: 0, at: 20 }])
    expect(queue.has('c')).to.be.true()
    expect(queue.has('a')).to.be.false()
  })

  it('needs one timer however many items wait', () => {
    for (let i = 100; i > 0; i--) {
      queue.schedule(`${i}`, START + i)
    }

    expect(clock.timers).to.equal(1)
    queue.clear()
    expect(clock.timers).to.equal(0)
  })

  it('calls back for an item that was scheduled again at its new time only', async () => {
    queue.schedule('a', START + 10)
    queue.schedule('a', START + 50)
    await clock.advance(100)

    expect(calls).to.deep.equal([{ item: 'a', lateBy: 0, at: 50 }])
  })

  it('does not call back for an item that was cancelled', async () => {
    queue.schedule('a', START + 10)
    queue.schedule('b', START + 10)
    queue.cancel('a')
    queue.cancel('unknown')
    await clock.advance(100)

    expect(calls.map(({ item }) => item)).to.deep.equal(['b'])
    expect(clock.timers).to.equal(0)
  })

  it('tells how late it is', async () => {
    queue.schedule('a', START - 7)
    await clock.advance(0)

    expect(calls).to.deep.equal([{ item: 'a', lateBy: 7, at: 0 }])
  })

  it('lets an item that is scheduled for now by the callback wait for its turn', async () => {
    const turns: number[] = []
    let turn = 0
    const again = new DueQueue<string>(clock, item => {
      turns.push(turn)
      queueMicrotask(() => { turn++ })

      if (turns.length < 3) {
        again.schedule(item, clock.now())
      }
    })
    again.schedule('a', START)
    await clock.advance(0)

    expect(turns).to.deep.equal([0, 1, 2])
  })

  it('never calls back for an item that was cancelled by the callback of another', async () => {
    const seen: string[] = []
    const cancelling = new DueQueue<string>(clock, item => {
      seen.push(item)
      cancelling.cancel('b')
    })
    cancelling.schedule('a', START + 1)
    cancelling.schedule('b', START + 1)
    await clock.advance(10)

    expect(seen).to.deep.equal(['a'])
  })

  it('waits without a timer for what is never due', () => {
    queue.schedule('a', Infinity)

    expect(clock.timers).to.equal(0)
    expect(queue.has('a')).to.be.true()
  })

  it('does what a sorted list would, whatever is done in which order', async () => {
    const action = fc.oneof(
      fc.record({ type: fc.constant('schedule' as const), item: fc.integer({ min: 0, max: 8 }), delay: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ type: fc.constant('cancel' as const), item: fc.integer({ min: 0, max: 8 }), delay: fc.constant(0) }),
      fc.record({ type: fc.constant('advance' as const), item: fc.constant(0), delay: fc.integer({ min: 0, max: 20 }) })
    )

    await fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 40 }), async actions => {
      const clock = new VirtualClock(START)
      const expected = new Map<number, number>()
      const fired: number[] = []
      const queue = new DueQueue<number>(clock, (item, lateBy) => {
        expect(lateBy).to.equal(0)
        expect(expected.get(item)).to.equal(clock.now())
        expected.delete(item)
        fired.push(clock.now())
      })

      for (const { type, item, delay } of actions) {
        if (type === 'schedule') {
          queue.schedule(item, clock.now() + delay)
          expected.set(item, clock.now() + delay)
        } else if (type === 'cancel') {
          queue.cancel(item)
          expected.delete(item)
        } else {
          await clock.advance(delay)
          expect([...expected.values()].filter(at => at <= clock.now())).to.be.empty()
        }

        expect(queue.size).to.equal(expected.size)
        expect(clock.timers).to.be.at.most(1)
      }

      expect(fired).to.deep.equal([...fired].sort((a, b) => a - b))
    }), { numRuns: 100 })
  })
})
