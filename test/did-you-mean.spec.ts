import { expect } from 'aegir/chai'
import { closest, didYouMean } from '../src/did-you-mean.ts'

const NAMES = ['maxConnections', 'highWater', 'lowWater', 'gracePeriod', 'idleTimeout', 'liveness', 'outbound', 'allow', 'deny', 'interval', 'connections', 'streams']

const LIKE: Record<string, string> = {
  highWatermark: 'highWater',
  HighWater: 'highWater',
  low_water: 'lowWater',
  maxConections: 'maxConnections',
  intervall: 'interval',
  conns: 'connections',
  idle: 'idleTimeout',
  stream: 'streams',
  minConnections: 'lowWater'
}

describe('did you mean', () => {
  Object.entries(LIKE).forEach(([written, meant]) => {
    it(`suggests ${meant} for ${written}`, () => {
      expect(closest(written, NAMES)).to.equal(meant)
      expect(didYouMean(written, NAMES)).to.equal(` (did you mean "${meant}"?)`)
    })
  })

  it('suggests nothing where no name is like the one that was written', () => {
    for (const written of ['', 'x', 'foo', 'transports', 'toString', 'h'.repeat(100_000)]) {
      expect(didYouMean(written, NAMES)).to.equal('')
    }

    expect(didYouMean('highWater', [])).to.equal('')
  })
})
