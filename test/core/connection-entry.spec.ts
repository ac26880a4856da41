import { StreamCloseEvent } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { ConnectionTable } from '../../src/core/index.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { stubConnection } from '../fixtures/connections.ts'
import type { OpenEntry } from '../../src/core/index.ts'
import type { Connection } from '@libp2p/interface'

function entryOf (connection: Connection): OpenEntry {
  return addedTo(new ConnectionTable(), connection, 0)
}

describe('connections/connection-entry', () => {
  it('tells of the end of its connection once, and why it came', () => {
    const connection = stubConnection()
    const entry = entryOf(connection)
    const told: Array<Error | undefined> = []
    const error = new Error('Urk!')
    entry.onClose = (_, event) => { told.push(event.error) }
    entry.listen()

    connection.abort(error)
    connection.dispatchEvent(new StreamCloseEvent(true))
    expect(told).to.deep.equal([error])
  })

  it('tells whoever wants to know it at the end', () => {
    const connection = stubConnection()
    const entry = entryOf(connection)
    const told: string[] = []
    entry.onClose = () => { told.push('first') }
    entry.listen()
    entry.onClose = () => { told.push('second') }

    connection.remoteClose()
    expect(told).to.deep.equal(['second'])
  })

  it('listens to a connection that is no event target of the platform', () => {
    const listeners: Array<(event: StreamCloseEvent) => void> = []
    const { remotePeer, direction } = stubConnection()
    const connection: Partial<Connection> = {
      remotePeer,
      direction,
      addEventListener: (_: string, listener: unknown) => { listeners.push(listener as () => void) }
    }
    const entry = entryOf(connection as Connection)
    let count = 0
    entry.onClose = () => { count++ }
    entry.listen()

    listeners.forEach(listener => { listener(new StreamCloseEvent(false)) })
    expect(count).to.equal(1)
  })
})
