import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { ConnectionTable } from '../../src/core/index.ts'
import { toCandidate } from '../../src/trimming/candidates.ts'
import { compareVictims } from '../../src/trimming/index.ts'
import { ValueSelection } from '../../src/trimming/value-selection.ts'
import { StubConnection } from '../fixtures/connections.ts'
import type { OpenEntry } from '../../src/core/index.ts'
import type { CandidateRules } from '../../src/trimming/index.ts'
import type { StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection } from '@libp2p/interface'

const RULES: Pick<CandidateRules, 'streams'> = { streams: ({ streams }) => streams.length }

/**
 * What the table knows of a new connection
 */
function entryOf (connection: Connection = new StubConnection()): OpenEntry {
  const table = new ConnectionTable()
  table.add(connection, 0)
  const entry = table.get(connection)

  if (entry == null) {
    throw new Error('The connection was not added')
  }

  return entry
}

/**
 * A connection that counts how often its streams are read, which is done of those that
 * are looked at more closely
 */
class WatchedConnection extends StubConnection {
  static reads = 0

  constructor (init?: StubConnectionInit) {
    super(init)
    const { streams } = this
    Object.defineProperty(this, 'streams', { get: () => { WatchedConnection.reads++; return streams } })
  }
}

/**
 * How many connections are looked at to find `n` among some of the values
 */
function lookedAt (values: number[], n: number): number {
  const selection = new ValueSelection(RULES)
  values.forEach(value => { selection.add(entryOf(new WatchedConnection()), value, false) })
  WatchedConnection.reads = 0
  expect([...selection.victims(n)]).to.have.lengthOf(Math.min(n, values.length))

  return WatchedConnection.reads
}

describe('trimming/value-selection', () => {
  const entries = Array.from({ length: 40 }, (_, i) => entryOf(new StubConnection({ streams: i % 3, direction: i % 5 < 2 ? 'inbound' : 'outbound' })))

  it('returns what a sort of all would put first, in that order', () => {
    const worth = fc.record({
      value: fc.oneof(fc.integer({ min: -2, max: 4 }), fc.integer(), fc.constantFrom(-Infinity, Infinity)),
      duplicate: fc.nat(4).map(n => n === 0),
      isSpared: fc.boolean()
    })

    fc.assert(fc.property(fc.array(worth, { maxLength: entries.length, size: 'max' }), fc.nat(45), fc.boolean(), (worths, n, emergency) => {
      const spared = new Set(worths.flatMap(({ isSpared }, i) => isSpared ? [entries[i].connection] : []))
      const selection = new ValueSelection(RULES, { emergency }, spared)
      worths.forEach(({ value, duplicate }, i) => { selection.add(entries[i], value, duplicate) })
      const sorted = worths.map(({ value, duplicate }, i) => toCandidate(entries[i], value, duplicate, RULES, spared))
        .sort((a, b) => compareVictims(a, b, emergency))

      expect([...selection.victims(n)]).to.deep.equal(sorted.slice(0, n))
    }), { numRuns: 300 })
  })

  it('looks closely only at what is chosen, and what is worth as much as the last of it', () => {
    expect(lookedAt([4, 2, 5, 1, 3], 2)).to.equal(2)
    expect(lookedAt([4, 2, 2, 1, 2], 2)).to.equal(4)
    expect(lookedAt([4, 2, 5], 3)).to.equal(3)
    expect(lookedAt([4, 2, 5], 4)).to.equal(3)
    expect(lookedAt([4, 2, 5], 0)).to.equal(0)
  })

  it('looks at what is worth more only when its turn has come', () => {
    const selection = new ValueSelection(RULES)
    ;[3, 1, 2].forEach(value => { selection.add(entryOf(new WatchedConnection()), value, false) })
    const victims = selection.victims(3)
    WatchedConnection.reads = 0
    victims.next()

    expect(WatchedConnection.reads).to.equal(1)
  })
})
