import { expect } from 'aegir/chai'
import { bestConnection, compareConnections } from '../../src/connections/index.ts'
import { stubConnection } from '../fixtures/connections.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'

function closing (init: StubConnectionInit = {}): StubConnection {
  const connection = stubConnection(init)
  connection.status = 'closing'

  return connection
}

describe('connections/best-connection', () => {
  it('is an open, unlimited, direct, busy and old one, in this order', () => {
    const ordered = [
      stubConnection({ streams: 2, openedAt: 3 }),
      stubConnection({ streams: 1, openedAt: 1 }),
      stubConnection({ streams: 1, openedAt: 2 }),
      stubConnection({ streams: 5, openedAt: 1, direct: false }),
      stubConnection({ streams: 5, openedAt: 1, limits: {} }),
      stubConnection({ streams: 9, openedAt: 1, limits: {}, direct: false }),
      closing({ streams: 9, openedAt: 1 })
    ]

    for (const [i, a] of ordered.entries()) {
      for (const b of ordered.slice(i + 1)) {
        expect(compareConnections(a, b)).to.be.below(0)
        expect(compareConnections(b, a)).to.be.above(0)
        expect(bestConnection([a, b])).to.equal(a)
        expect(bestConnection([b, a])).to.equal(a)
      }
    }
  })

  it('of a limited one with 5 streams and a direct one with 1 is the direct one', () => {
    const limited = stubConnection({ streams: 5, limits: { bytes: 1_000n } })
    const direct = stubConnection({ streams: 1 })

    expect(bestConnection([limited, direct])).to.equal(direct)
  })

  it('is the same one in any order of connections that are alike', () => {
    const [a, b] = [stubConnection(), stubConnection()]

    expect(bestConnection([a, b])).to.equal(bestConnection([b, a]))
  })

  it('of one is that one, and of none is none', () => {
    const connection = stubConnection()

    expect(bestConnection([connection])).to.equal(connection)
    expect(bestConnection([])).to.be.undefined()
  })
})
