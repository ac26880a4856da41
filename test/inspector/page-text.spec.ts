import { expect } from 'aegir/chai'
import { describeSamples, periodsOf } from '../../src/inspector/page/chart-text.js'
import { factsOf, reasonOf } from '../../src/inspector/page/decision-text.js'
import { moment } from '../../src/inspector/page/format.js'

const START = 1_700_000_000_000

function samplesOf (...connections: number[]): Array<{ time: number, connections: number }> {
  return connections.map((count, i) => ({ time: START + i * 1_000, connections: count }))
}

describe('inspector/page, in words', () => {
  describe('the chart', () => {
    it('is a sentence', () => {
      const marks = { low: 4, high: 6 }

      expect(describeSamples([], marks)).to.equal('Nothing is known yet')
      expect(describeSamples(samplesOf(3), marks)).to.equal('3 connections now, from 3 to 3 in the last 0 s; low watermark 4, high watermark 6')
      expect(describeSamples(samplesOf(3, 7, 5), { low: null, high: null })).to.equal('5 connections now, from 3 to 7 in the last 2 s; no watermark')
      expect(describeSamples(samplesOf(...Array<number>(181).fill(1)), marks)).to.include('in the last 3 min')
    })

    it('is a table of periods, that leave nothing out', () => {
      expect(periodsOf([], 3)).to.deep.equal([])
      expect(periodsOf(samplesOf(1, 5, 2, 8, 3), 2)).to.deep.equal([
        { from: START, to: START + 2_000, lowest: 1, highest: 5, last: 2 },
        { from: START + 3_000, to: START + 4_000, lowest: 3, highest: 8, last: 3 }
      ])

      for (let count = 1; count < 100; count++) {
        const samples = samplesOf(...Array.from({ length: count }, (_, i) => i))
        const periods = periodsOf(samples, 12)

        expect(periods.length).to.be.at.most(12)
        expect(periods.map(({ highest }) => highest)).to.include(count - 1)
        expect(periods.reduce((sum, { lowest, highest }) => sum + highest - lowest + 1, 0)).to.equal(count)
      }
    })
  })

  describe('a time', () => {
    it('has its day, unless that is today', () => {
      const noon = new Date(2026, 0, 5, 12, 30).getTime()

      expect(moment(noon, noon - 60_000)).to.equal('12:30:00')
      expect(moment(noon, noon - 86_400_000)).to.equal('Mon Jan 05 2026 12:30:00')
    })
  })

  describe('what a decision was based on', () => {
    it('is told with names, where the value alone says nothing', () => {
      expect(factsOf({ scope: 'system', current: 0, limit: 100 })).to.equal('scope system, current 0, limit 100')
      expect(factsOf({ error: 'TimeoutError', message: 'No connection within 5000 ms', duration: 412.7 })).to.equal('TimeoutError, No connection within 5000 ms, after 413 ms')
    })

    it('tells scopes and resources briefly', () => {
      expect(factsOf({ scope: 'protocol:/ipfs/ping/1.0.0.peer:12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' })).to.equal('scope protocol:/ipfs/ping/1.0.0.peer:…dMoaMtimQ5')
      expect(reasonOf('resource', 'streamsOutbound')).to.equal('streams outbound')
      expect(reasonOf('ban', 'Spam')).to.equal('Spam')
    })

    it('tells that a peer was worth nothing and used nothing, as that is why it was trimmed', () => {
      expect(factsOf({ value: 0, duplicate: false, streams: 0, direction: 'inbound', age: 61_000 })).to.equal('value 0, streams 0, inbound, open for 1 m 1 s')
      expect(factsOf({ value: 3, duplicate: true, streams: 1 })).to.equal('value 3, duplicate, streams 1')
    })

    it('tells of a trim that it could not close as much as it should have', () => {
      expect(factsOf({ before: 12, wanted: 4, closed: 0, protected: 10, inGrace: 0, complete: false })).to.equal('before 12, wanted 4, closed 0, protected 10, not as many as wanted')
      expect(factsOf({ before: 12, wanted: 4, closed: 4, complete: true })).to.equal('before 12, wanted 4, closed 4')
    })
  })
})
