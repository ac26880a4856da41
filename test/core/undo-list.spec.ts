import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionEntry } from '../../src/core/connection-entry.ts'
import type { Undo } from '../../src/core/index.ts'

function scene (): { entry: ConnectionEntry, given: string[], undo: Record<'a' | 'b' | 'c', Undo>, errors: unknown[], onError(err: unknown): void } {
  const given: string[] = []
  const errors: unknown[] = []

  return {
    entry: new ConnectionEntry('accepted', multiaddr('/ip4/192.0.2.1/tcp/1'), false),
    given,
    undo: { a: () => { given.push('a') }, b: () => { given.push('b') }, c: () => { given.push('c') } },
    errors,
    onError: err => { errors.push(err) }
  }
}

describe('core/undo-list', () => {
  it('gives back what was taken for a connection in the reverse order, once', () => {
    const { entry, given, onError, undo } = scene()
    entry.undo(undo.a)
    entry.undo(undo.b)
    entry.undo(undo.c)
    entry.giveBack(onError)
    entry.giveBack(onError)

    expect(given).to.deep.equal(['c', 'b', 'a'])
  })

  it('does not give back what was given back before, and says whether it was taken', () => {
    const { entry, given, onError, undo } = scene()
    entry.undo(undo.a)
    entry.undo(undo.b)

    expect(entry.forget(undo.a)).to.equal(true)
    expect(entry.forget(undo.a)).to.equal(false)
    expect(entry.forget(undo.c)).to.equal(false)
    entry.giveBack(onError)
    expect(given).to.deep.equal(['b'])
  })

  it('gives the rest back when giving back one thing fails', () => {
    const { entry, errors, given, onError, undo } = scene()
    const error = new Error('cannot give it back')
    entry.undo(undo.a)
    entry.undo(() => { throw error })
    entry.undo(undo.c)
    entry.giveBack(onError)

    expect(given).to.deep.equal(['c', 'a'])
    expect(errors).to.deep.equal([error])
  })

  it('keeps what two connections have taken apart, though they share lists', () => {
    const first = scene()
    const second = new ConnectionEntry('accepted', multiaddr('/ip4/192.0.2.2/tcp/1'), false)
    const entries: ConnectionEntry[] = []
    const undo: Undo = entry => { entries.push(entry) }
    first.entry.undo(undo)
    second.undo(undo)
    second.giveBack(first.onError)

    expect(entries).to.deep.equal([second])
  })
})
