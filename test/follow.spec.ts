import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { follow } from '../src/follow.ts'
import { stubPeerId } from './fixtures/connections.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'

describe('follow', () => {
  let events: TypedEventEmitter<Libp2pEvents>

  beforeEach(() => { events = new TypedEventEmitter() })

  it('tells each follower of its events, until it is told not to', () => {
    const [a, b, c] = [stubPeerId(), stubPeerId(), stubPeerId()]
    const told: Array<[string, PeerId]> = []
    const unfollow = follow({ events, log: defaultLogger().forComponent('test') }, {
      'peer:connect': peerId => { told.push(['connect', peerId]) },
      'peer:disconnect': peerId => { told.push(['disconnect', peerId]) }
    })
    events.safeDispatchEvent('peer:connect', { detail: a })
    events.safeDispatchEvent('peer:disconnect', { detail: b })
    unfollow()
    events.safeDispatchEvent('peer:connect', { detail: c })

    expect(told).to.deep.equal([['connect', a], ['disconnect', b]])
  })

  it('logs what a follower throws', () => {
    const logged: unknown[][] = []
    const log = Object.assign(() => {}, defaultLogger().forComponent('test'), { error: (...args: unknown[]) => { logged.push(args) } })
    const error = new Error('Urk!')
    follow({ events, log }, { 'peer:connect': () => { throw error } })
    events.safeDispatchEvent('peer:connect', { detail: stubPeerId() })

    expect(logged).to.deep.equal([['could not follow %s - %e', 'peer:connect', error]])
  })
})
