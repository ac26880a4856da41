import { expect } from 'aegir/chai'
import { TrimWorld } from './trim-world.ts'

describe('trimming/trimmer: fewer places than the watermarks', () => {
  it('lower them for as long as there are no more', async () => {
    let places = 10
    const world = new TrimWorld({ highWater: 40, lowWater: 36, gracePeriod: 0, places: () => places })
    expect(world.trimmer).to.include({ highWater: 10, lowWater: 9 })

    world.openMany(11)
    await world.clock.advance(0)
    expect(world.table.size).to.equal(9)

    places = 50
    expect(world.trimmer).to.include({ highWater: 40, lowWater: 36 })
  })

  it('leave a low watermark as it is that is far enough below them', () => {
    expect(new TrimWorld({ highWater: 40, lowWater: 7, places: () => 10 }).trimmer).to.include({ highWater: 10, lowWater: 7 })
    expect(new TrimWorld({ highWater: Infinity, lowWater: 7, places: () => 10 }).trimmer).to.include({ highWater: Infinity })
    expect(new TrimWorld({ highWater: 40, lowWater: 7, places: () => -1 }).trimmer).to.include({ highWater: 1, lowWater: 1 })
  })

  it('cause a trim when another connection finds none', async () => {
    const world = new TrimWorld({ highWater: 40, lowWater: 36, gracePeriod: 0, places: () => 10 })
    world.openMany(10)
    await world.clock.advance(0)
    expect(world.table.size).to.equal(10)

    world.trimmer.full()
    await world.clock.advance(0)
    expect(world.table.size).to.equal(9)
  })

  it('cause that trim when the grace period is over, if it is needed then', async () => {
    const world = new TrimWorld({ highWater: 40, lowWater: 32, places: () => 10 })
    world.openMany(10)
    world.trimmer.full()
    await world.clock.advance(60_000)
    expect(world.table.size).to.equal(8)

    const other = new TrimWorld({ highWater: 40, lowWater: 32, places: () => 10 })
    const [first] = other.openMany(10)
    other.trimmer.full()
    first.abort(new Error('left'))
    await other.clock.advance(60_000)
    expect(other.table.size).to.equal(9)
  })
})
