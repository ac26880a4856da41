import { AbortError, DialError, TimeoutError } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { attachDialReport, dialFailureReason, dialReport } from '../../src/dialing/dial-failure.ts'
import { DialDeniedError, NoValidAddressesError } from '../../src/errors.ts'

function named (name: string, message: string, properties = {}): Error {
  return Object.assign(new Error(message), { name, ...properties })
}

describe('dialing/dial-failure', () => {
  it('knows why a dial failed', () => {
    const cases: Array<[unknown, string]> = [
      [named('Error', 'connect failed', { code: 'ECONNREFUSED' }), 'refused'],
      [named('Error', 'connection error 127.0.0.1:1: connect EHOSTUNREACH 127.0.0.1:1'), 'unreachable'],
      [named('EncryptionFailedError', 'read ECONNRESET'), 'reset'],
      [named('EncryptionFailedError', 'handshake failed'), 'encryption'],
      [named('UnexpectedPeerError', 'no'), 'unexpected-peer'],
      [named('Error', 'getaddrinfo ENOTFOUND a.invalid'), 'name-not-found'],
      [named('Error', 'too many', { code: 'EMFILE' }), 'local-limit'],
      [new TimeoutError(), 'timeout'],
      [new AbortError(), 'cancelled'],
      [new DialDeniedError(), 'gated'],
      [new NoValidAddressesError(), 'no-addresses'],
      [new DialError('Dial queue is full'), 'queue-full'],
      [new DialError('Peer had more than maxPeerAddrsToDial'), 'too-many'],
      [new AggregateError([named('Error', 'x', { code: 'ECONNREFUSED' })]), 'refused'],
      [new Error('outer', { cause: named('Error', '', { code: 'ETIMEDOUT' }) }), 'timeout'],
      [new Error('something else'), 'unknown'],
      [named('toString', 'constructor', { code: '__proto__' }), 'unknown'],
      ['text', 'unknown'],
      [undefined, 'unknown']
    ]

    for (const [error, reason] of cases) {
      expect(dialFailureReason(error), String(error)).to.equal(reason)
    }
  })

  it('does not follow causes in a circle', () => {
    const error = new Error('a')
    error.cause = error
    expect(dialFailureReason(error)).to.equal('unknown')
  })

  it('keeps a report beside the error', () => {
    const error = new Error('failed')
    const report = { failures: [], omitted: 0 }

    expect(attachDialReport(error, report)).to.equal(error)
    expect(dialReport(error)).to.equal(report)
    expect(dialReport(new Error('other'))).to.equal(undefined)
    expect(dialReport('text')).to.equal(undefined)
  })
})
