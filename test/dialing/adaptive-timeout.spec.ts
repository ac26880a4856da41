import { expect } from 'aegir/chai'
import { adaptiveTimeout } from '../../src/dialing/adaptive-timeout.ts'

describe('dialing/adaptive-timeout', () => {
  it('is the nominal time while fewer dials wait than may run', () => {
    expect(adaptiveTimeout({ nominal: 20_000, pending: 0, parallel: 100 })).to.equal(20_000)
    expect(adaptiveTimeout({ nominal: 20_000, pending: 99, parallel: 100 })).to.equal(20_000)
  })

  it('shrinks with every further round of dials that waits', () => {
    expect(adaptiveTimeout({ nominal: 20_000, pending: 100, parallel: 100 })).to.equal(10_000)
    expect(adaptiveTimeout({ nominal: 20_000, pending: 350, parallel: 100 })).to.equal(5_000)
  })

  it('is never below three seconds', () => {
    expect(adaptiveTimeout({ nominal: 20_000, pending: 10_000, parallel: 100 })).to.equal(3_000)
  })

  it('never exceeds a nominal time that is shorter than that', () => {
    expect(adaptiveTimeout({ nominal: 500, pending: 10_000, parallel: 100 })).to.equal(500)
    expect(adaptiveTimeout({ nominal: 500, pending: 0, parallel: 1 })).to.equal(500)
  })

  it('is the nominal time where any number of dials may run, and where there is none', () => {
    expect(adaptiveTimeout({ nominal: 6_000, pending: 0, parallel: Infinity })).to.equal(6_000)
    expect(adaptiveTimeout({ nominal: 6_000, pending: 10_000, parallel: Infinity })).to.equal(6_000)
    expect(adaptiveTimeout({ nominal: Infinity, pending: 10_000, parallel: 100 })).to.equal(Infinity)
  })
})
