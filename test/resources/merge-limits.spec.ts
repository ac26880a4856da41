import { expect } from 'aegir/chai'
import { mergeLimits } from '../../src/resources/index.ts'

describe('mergeLimits', () => {
  it('takes field by field', () => {
    expect(mergeLimits(
      { system: { connections: 128, streams: 2048 }, peer: { connections: 8 } },
      { system: { connections: 256 }, transient: { connections: 16 } }
    )).to.deep.equal({ system: { connections: 256, streams: 2048 }, transient: { connections: 16 }, peer: { connections: 8 } })
  })

  it('lets 0 and "blockAll" replace a default, and undefined not', () => {
    expect(mergeLimits(
      { system: { connections: 128, streams: 2048, memory: 1 } },
      { system: { connections: 0, streams: 'blockAll', memory: undefined } }
    )).to.deep.equal({ system: { connections: 0, streams: 'blockAll', memory: 1 } })
  })

  it('merges the scopes of a name', () => {
    expect(mergeLimits(
      { protocols: { a: { streams: 1, memory: 2 }, b: { streams: 3 } } },
      { protocols: { a: { streams: 4 }, c: { streams: 5 } } }
    )).to.deep.equal({ protocols: { a: { streams: 4, memory: 2 }, b: { streams: 3 }, c: { streams: 5 } } })
  })

  it('takes lists as a whole', () => {
    expect(mergeLimits(
      { subnets: { ipv4: [{ prefix: 32, connections: 8 }], ipv6: [{ prefix: 56, connections: 8 }], rates: { ipv4: [{ prefix: 32, perSecond: 1, burst: 1 }] } } },
      { subnets: { ipv4: [{ prefix: 24, connections: 1 }], rates: { ipv6: [] } } }
    )).to.deep.equal({
      subnets: { ipv4: [{ prefix: 24, connections: 1 }], ipv6: [{ prefix: 56, connections: 8 }], rates: { ipv4: [{ prefix: 32, perSecond: 1, burst: 1 }], ipv6: [] } }
    })
  })

  it('keeps names that every object inherits apart', () => {
    const merged = mergeLimits({ protocols: {} }, { protocols: JSON.parse('{ "__proto__": { "streams": 1 }, "constructor": { "streams": 2 } }') })

    expect(Object.keys(merged.protocols ?? {})).to.deep.equal(['__proto__', 'constructor'])
    expect({}).to.not.have.property('streams')
  })

  it('changes neither of the two', () => {
    const base = { system: { connections: 1 } }
    const override = { system: { streams: 2 } }
    mergeLimits(base, override)

    expect(base).to.deep.equal({ system: { connections: 1 } })
    expect(override).to.deep.equal({ system: { streams: 2 } })
  })
})
