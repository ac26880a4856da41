import { expect } from 'aegir/chai'
import { DIALING_DEFAULTS, DIALING_RULES } from '../../src/dialing/index.ts'
import { assertOptions } from '../../src/options.ts'

describe('dialing/options', () => {
  it('takes its own defaults', () => {
    expect(() => { assertOptions(DIALING_DEFAULTS, DIALING_RULES) }).to.not.throw()
  })

  it('takes what is documented', () => {
    const options = [
      { maxParallelDialsPerTransport: { tcp: 10, webrtc: 1 } },
      { backOff: false },
      { backOff: { base: 1_000, jitter: 1 } },
      { blackHole: { window: 50, probeInterval: undefined } },
      { groupOf: () => 'AS1' }
    ]

    for (const option of options) {
      expect(() => { assertOptions(option, DIALING_RULES) }).to.not.throw()
    }
  })

  it('names the option and the value that it can not use', () => {
    const options: Array<[name: string, options: object]> = [
      ['maxParallelAddressDials', { maxParallelAddressDials: 0 }],
      ['maxParallelDialsPerTransport', { maxParallelDialsPerTransport: { tcp: 'many' } }],
      ['maxParallelDialsPerTransport', { maxParallelDialsPerTransport: [1] }],
      ['backOff', { backOff: true }],
      ['backOff.jitter', { backOff: { jitter: 2 } }],
      ['backOff.bse', { backOff: { bse: 1_000 } }],
      ['blackHole.minSuccesses', { blackHole: { minSuccesses: -1 } }],
      ['dialRanker', { dialRanker: 'quic first' }]
    ]

    for (const [name, option] of options) {
      expect(() => { assertOptions(option, DIALING_RULES) }, name).to.throw()
        .with.property('option', name)
    }
  })
})
