import { getHeapSpaceStatistics } from 'node:v8'
import { expect } from 'aegir/chai'
import { MIN_JUDGED, WARM_UP, afterWarmUp, bytesOfObjects, slope } from '../../soak/heap.ts'
import type { HeapSample } from '../../soak/heap.ts'

const SAMPLES = 12

/**
 * Samples of a run that is long enough to be judged
 */
function samplesOf (bytesAt: (opened: number, i: number) => number): HeapSample[] {
  return Array.from({ length: SAMPLES }, (_, i) => {
    const opened = WARM_UP + i * 1_000

    return { at: i * MIN_JUDGED / (SAMPLES - 1), opened, bytes: bytesAt(opened, i) }
  })
}

describe('soak/heap', () => {
  it('counts what objects take, and no code, in the spaces that V8 has', () => {
    const spaces = getHeapSpaceStatistics()
    const counted = spaces.map(({ space_name: name }) => name).filter(name => bytesOfObjects([{ space_name: name, space_used_size: 1 }]) === 1)

    expect(counted).to.have.members(['new_space', 'old_space', 'new_large_object_space', 'large_object_space', 'shared_space', 'shared_large_object_space'])
  })

  it('grows with every object that is kept', () => {
    const before = bytesOfObjects(getHeapSpaceStatistics())
    const kept = Array.from({ length: 100_000 }, (_, i) => ({ i }))

    expect(bytesOfObjects(getHeapSpaceStatistics()) - before).to.be.greaterThan(kept.length * 8)
  })

  it('finds what is forgotten for every connection, however the heap goes up and down besides', () => {
    const growth = slope(samplesOf((opened, i) => 30_000_000 + 200 * opened + (i % 2 === 0 ? 50_000 : -50_000)), ({ opened }) => opened)

    expect(growth?.perUnit).to.be.closeTo(200, growth?.confidence ?? 0)
    expect(growth?.confidence).to.be.greaterThan(0).and.lessThan(20)
  })

  it('is sure of a heap that is flat', () => {
    const growth = slope(samplesOf(() => 30_000_000), ({ opened }) => opened)

    expect(growth).to.deep.equal({ perUnit: 0, confidence: 0 })
  })

  it('judges no run that has hardly come beyond the warm-up', () => {
    const samples = samplesOf(() => 30_000_000)

    expect(afterWarmUp(samples)).to.deep.equal({ settled: samples, isJudged: true })
    expect(afterWarmUp(samples.slice(1)).isJudged).to.equal(false)
    expect(afterWarmUp(samples.map(sample => ({ ...sample, opened: sample.opened - SAMPLES * 1_000 }))).isJudged).to.equal(false)
  })
})
