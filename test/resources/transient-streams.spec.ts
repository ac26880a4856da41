import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { TransientStreams } from '../../src/resources/transient-streams.ts'

function held (peers: Record<string, string[]>): TransientStreams<string> {
  const streams = new TransientStreams<string>()
  Object.entries(peers).forEach(([peer, names]) => { names.forEach(name => { streams.add(peer, name) }) })

  return streams
}

describe('streams whose protocol is not known', () => {
  it('make room for a peer that holds fewer: the oldest of the peer that holds the most', () => {
    expect(held({ A: ['a1'], B: ['b1', 'b2', 'b3'], C: ['c1', 'c2'] }).giveWay('new')).to.equal('b1')
    expect(held({ A: ['a1'], B: ['b1', 'b2', 'b3'] }).giveWay('A')).to.equal('b1')
    expect(held({ A: ['a1'], B: ['b1'] }).giveWay('new')).to.equal('a1')
  })

  it('make no room for a peer that holds the most, or as many as all on average', () => {
    expect(held({ A: ['a1', 'a2'], B: ['b1'] }).giveWay('A')).to.equal(undefined)
    expect(held({ A: ['a1', 'a2'], B: ['b1'], C: ['c1', 'c2', 'c3'] }).giveWay('A')).to.equal(undefined)
    expect(held({ A: ['a1'] }).giveWay('A')).to.equal(undefined)
    expect(held({}).giveWay('A')).to.equal(undefined)
  })

  it('are counted, whatever is added and deleted, and however often', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom('A', 'B'), fc.constantFrom('1', '2', '3')))

    fc.assert(fc.property(steps, steps => {
      const streams = held({})
      const expected = new Set<string>()

      for (const [isAdded, peer, name] of steps) {
        isAdded ? streams.add(peer, name) : streams.delete(peer, name)
        isAdded ? expected.add(peer + name) : expected.delete(peer + name)
        expect(streams.size).to.equal(expected.size)
      }
    }))
  })
})
