import { expect } from 'aegir/chai'
import { closeConnection, closeWithin } from '../../src/core/index.ts'
import { stubConnection } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'

/**
 * Whether a promise is settled now
 */
async function isSettled (promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(() => { settled = true }, () => { settled = true })
  await settle()

  return settled
}

describe('connections/close-connection', () => {
  describe('closeConnection', () => {
    it('closes', async () => {
      const connection = stubConnection()
      await closeConnection(connection)

      expect(connection.status).to.equal('closed')
      expect(connection.abortReason).to.be.undefined()
    })

    it('aborts what does not want to close', async () => {
      const connection = stubConnection({ onClose: 'reject' })
      await closeConnection(connection)

      expect(connection.status).to.equal('aborted')
      expect(connection.abortReason).to.have.property('message', 'The connection does not want to close')
    })

    it('aborts what throws where it should reject', async () => {
      const connection = stubConnection()
      connection.close = () => { throw new Error('Urk!') }
      await closeConnection(connection)

      expect(connection.abortReason).to.have.property('message', 'Urk!')
    })

    it('aborts with an error, whatever was thrown', async () => {
      const connection = stubConnection()
      // eslint-disable-next-line prefer-promise-reject-errors
      connection.close = async () => Promise.reject('Urk!')
      await closeConnection(connection)

      expect(connection.abortReason).to.be.an.instanceOf(Error).with.property('message').that.includes('Urk!')
    })

    for (const onClose of ['hang', 'deaf'] as const) {
      it(`aborts a connection that is ${onClose === 'hang' ? 'slow' : 'deaf to its signal'} when the signal does`, async () => {
        const connection = stubConnection({ onClose })
        const controller = new AbortController()
        const closed = closeConnection(connection, { signal: controller.signal })
        expect(await isSettled(closed)).to.be.false()

        controller.abort()
        await closed
        expect(connection.status).to.equal('aborted')
      })
    }

    it('aborts at once when the signal has aborted before', async () => {
      const connection = stubConnection({ onClose: 'deaf' })
      await closeConnection(connection, { signal: AbortSignal.abort() })

      expect(connection.status).to.equal('aborted')
    })

    it('waits for somebody else who closes it', async () => {
      const connection = stubConnection({ onClose: 'deaf' })
      connection.close().catch(() => {})
      const closed = closeConnection(connection)
      expect(await isSettled(closed)).to.be.false()

      connection.remoteClose()
      await closed
      expect(connection.status).to.equal('closed')
    })

    it('does not wait for somebody else longer than it may', async () => {
      const connection = stubConnection({ onClose: 'deaf' })
      connection.close().catch(() => {})
      const controller = new AbortController()
      const closed = closeConnection(connection, { signal: controller.signal })
      expect(await isSettled(closed)).to.be.false()

      controller.abort()
      await closed
      expect(connection.status).to.equal('aborted')
    })

    it('has nothing to do for a connection that is closed', async () => {
      const connection = stubConnection()
      connection.remoteClose()
      await closeConnection(connection)

      expect(connection.status).to.equal('closed')
    })

    it('never rejects, not even when aborting fails', async () => {
      const connection = stubConnection({ onClose: 'reject' })
      connection.abort = () => { throw new Error('Urk!') }
      await closeConnection(connection)

      expect(connection.status).to.equal('open')
    })
  })

  describe('closeWithin', () => {
    it('closes, and leaves no timer', async () => {
      const clock = new VirtualClock()
      const connection = stubConnection()

      expect(await closeWithin(connection, 1_000, clock)).to.be.true()
      expect(connection.status).to.equal('closed')
      expect(clock.timers).to.equal(0)
    })

    for (const onClose of ['hang', 'deaf'] as const) {
      it(`aborts a connection that is ${onClose === 'hang' ? 'slow' : 'deaf to its signal'} after the time`, async () => {
        const clock = new VirtualClock()
        const connection = stubConnection({ onClose })
        const closed = closeWithin(connection, 1_000, clock)

        await clock.advance(999)
        expect(connection.status).to.equal('closing')

        await clock.advance(1)
        expect(await closed).to.be.true()
        expect(connection.status).to.equal('aborted')
        expect(connection.abortReason).to.have.property('name', 'TimeoutError')
        expect(clock.timers).to.equal(0)
      })
    }

    it('says so when the connection cannot be closed', async () => {
      const connection = stubConnection({ onClose: 'reject' })
      connection.abort = () => { throw new Error('Urk!') }

      expect(await closeWithin(connection, 1_000, new VirtualClock())).to.be.false()
    })
  })
})
