import { expect } from 'aegir/chai'
import { LoadMonitor } from '../../src/admission/index.ts'
import { canMeasureDelay, heapRatio, residentMemory } from '../../src/admission/memory.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { LoadMonitorInit } from '../../src/admission/index.ts'

/**
 * A clock whose timers fire late
 */
class LateClock extends VirtualClock {
  late = 0

  now (): number {
    return super.now() + this.late
  }
}

describe('admission/load', () => {
  let clock: LateClock
  let heap: number | undefined
  let resident: number | undefined

  beforeEach(() => {
    clock = new LateClock()
    heap = 0.5
    resident = 500
  })

  function start (init?: LoadMonitorInit, total = 1_000): LoadMonitor {
    const load = new LoadMonitor({ clock, heapRatio: () => heap, residentMemory: () => resident, totalMemory: () => total }, init)
    load.start()

    return load
  }

  /**
   * One measurement, for which the timer fires late
   */
  async function measure (late = 0): Promise<void> {
    clock.late += late
    await clock.advance(250)
  }

  it('allows everything when there is little to do', async () => {
    const load = start()
    expect(load.check()).to.be.undefined()
    await measure()
    expect(load.check()).to.be.undefined()
    load.stop()
  })

  it('does not take one long task for too much to do', async () => {
    const load = start()
    await measure(1_500)
    expect(load.check()).to.be.undefined()
    load.stop()
  })

  it('says so while the event loop is late', async function () {
    if (!canMeasureDelay) {
      return this.skip()
    }

    const load = start()
    await measure(3_000)
    await measure(3_000)
    expect(load.check()).to.deep.equal({ scope: 'event-loop-delay', current: 2_250, limit: 1_000 })

    await measure()
    await measure()
    expect(load.check()).to.be.undefined()
    load.stop()
  })

  it('says so while the heap is nearly full', async () => {
    const load = start()
    heap = 0.96
    await measure()
    expect(load.check()).to.deep.equal({ scope: 'heap', current: 0.96, limit: 0.95 })

    heap = undefined
    await measure()
    expect(load.check()).to.be.undefined()
    load.stop()
  })

  it('says so while the process takes nearly all of the memory, whatever the heap is', async () => {
    const load = start()
    resident = 901
    await measure()
    expect(load.check()).to.deep.equal({ scope: 'memory', current: 0.901, limit: 0.9 })

    resident = undefined
    await measure()
    expect(load.check()).to.be.undefined()
    load.stop()
  })

  it('knows nothing of the memory where nobody tells how much there is, or it is switched off', async () => {
    for (const load of [start({}, 0), start({ maxMemoryRatio: Infinity })]) {
      resident = 5_000
      await measure()
      expect(load.check()).to.be.undefined()
      load.stop()
    }
  })

  it('measures the process itself, where the system tells that', () => {
    const bytes = residentMemory()

    expect(bytes == null || bytes > 2 ** 20).to.be.true()
  })

  it('measures nothing when it is switched off or stopped', async () => {
    const load = start({ maxEventLoopDelay: Infinity, maxHeapRatio: Infinity, maxMemoryRatio: Infinity })
    expect(clock.timers).to.equal(0)
    load.stop()

    const stopped = start()
    heap = 0.99
    await measure(50_000)
    stopped.stop()
    stopped.stop()
    expect(clock.timers).to.equal(0)
    expect(stopped.check()).to.be.undefined()
  })

  it('knows the heap of the engine, where that tells it', () => {
    const ratio = heapRatio()

    expect(ratio == null || (ratio > 0 && ratio < 1)).to.be.true()
  })
})
