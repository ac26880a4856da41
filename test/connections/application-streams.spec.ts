import { expect } from 'aegir/chai'
import { HOUSEKEEPING_PROTOCOLS, countApplicationStreams } from '../../src/connections/index.ts'
import { stubConnection } from '../fixtures/connections.ts'

describe('connections/application-streams', () => {
  it('counts the streams of the application', () => {
    expect(countApplicationStreams(stubConnection())).to.equal(0)
    expect(countApplicationStreams(stubConnection({ streams: ['/app/1.0.0', '/app/1.0.0', '/other/1.0.0'] }))).to.equal(3)
  })

  it('does not count what libp2p does by itself', () => {
    expect(countApplicationStreams(stubConnection({ streams: [...HOUSEKEEPING_PROTOCOLS, '/app/1.0.0'] }))).to.equal(1)
  })

  it('does not count a stream that is still negotiating its protocol', () => {
    expect(countApplicationStreams(stubConnection({ streams: [''] }))).to.equal(0)
  })
})
