import { expect } from 'aegir/chai'
import { Slice } from '../../src/trimming/slice.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('trimming/slice', () => {
  /**
   * After how many items of work, each of which takes some ms, the slice is over.
   * `undefined` if it never is.
   */
  async function itemsOf (ms: number): Promise<number | undefined> {
    const clock = new VirtualClock()
    const slice = new Slice(clock, 4)

    for (let items = 1; items <= 1_000; items++) {
      if (slice.isOver()) {
        return items
      }

      await clock.advance(ms)
    }
  }

  it('is over when its time is', async () => {
    expect(await itemsOf(0)).to.be.undefined()
    expect(await itemsOf(0.01)).to.be.within(400, 450)
  })

  it('does not read the clock for each item', async () => {
    expect(await itemsOf(4)).to.equal(32)
  })

  it('is over when the clock is set back', async () => {
    expect(await itemsOf(-1)).to.equal(32)
  })

  it('begins anew with the next turn', async () => {
    const clock = new VirtualClock()
    const slice = new Slice(clock, 4)
    await clock.advance(10)
    await slice.nextTurn()

    for (let items = 0; items < 100; items++) {
      expect(slice.isOver()).to.be.false()
    }
  })
})
