import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { messageOf } from '../src/error-message.ts'
import { toError } from '../src/errors.ts'

/**
 * The shape of an event, as some runtimes and libraries have it
 */
function errorEvent (fields: object): object {
  return Object.assign(new Event('error'), fields)
}

describe('error-message', () => {
  it('is the message of an error, in one line', () => {
    expect(messageOf(new Error('connect ECONNREFUSED 1.2.3.4:1'))).to.equal('connect ECONNREFUSED 1.2.3.4:1')
    expect(messageOf(new Error(' a\n\u001b[31mb\t '))).to.equal('a [31mb')
    expect(messageOf(new Error('x'.repeat(10_000)))).to.equal(`${'x'.repeat(200)}…`)
  })

  it('is what an event carries', () => {
    expect(messageOf(errorEvent({ error: new Error('getaddrinfo ENOTFOUND nobody.invalid') }))).to.equal('getaddrinfo ENOTFOUND nobody.invalid')
    expect(messageOf(errorEvent({ message: 'Unexpected server response: 404', error: new TypeError('') }))).to.equal('Unexpected server response: 404')
    expect(messageOf(errorEvent({ reason: 'going away' }))).to.equal('going away')
  })

  it('says so where an event tells nothing', () => {
    expect(messageOf(new Event('error'))).to.equal('what was opened failed with the event "error", which does not say why')
    expect(messageOf(errorEvent({ message: '', error: new TypeError('') }))).to.equal('what was opened failed with the event "error", which does not say why')
    expect(messageOf({ type: 'error', target: { url: 'ws://192.0.2.1/' } })).to.equal('ws://192.0.2.1/ failed with the event "error", which does not say why')
  })

  it('is what several errors say, each once', () => {
    const refused = [new Error('connect ECONNREFUSED ::1:9'), new Error('connect ECONNREFUSED 127.0.0.1:9')]

    expect(messageOf(new AggregateError(refused))).to.equal('connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9')
    expect(messageOf(new AggregateError([refused[0], refused[0]], 'All multiaddr dials failed'))).to.equal('All multiaddr dials failed: connect ECONNREFUSED ::1:9')
    expect(messageOf(new AggregateError(Array.from({ length: 9 }, (_, i) => new Error(`${i}`))))).to.equal('0; 1; 2; and 6 more')
    expect(messageOf(new AggregateError([]))).to.equal('AggregateError')
  })

  it('is something else where there is no message', () => {
    class SocketError extends Error {}

    expect(messageOf(new Error('', { cause: new Error('the cause') }))).to.equal('the cause')
    expect(messageOf(Object.assign(new Error(''), { code: 'EPIPE' }))).to.equal('EPIPE')
    expect(messageOf(new TypeError(''))).to.equal('TypeError')
    expect(messageOf(new SocketError(' '))).to.equal('Error')
    expect(messageOf({})).to.equal('Object')
    expect(messageOf(Object.create(null))).to.equal('an object')
    expect(messageOf('text')).to.equal('"text"')
    expect(messageOf(7)).to.equal('7')
    expect([undefined, null, ''].map(messageOf)).to.deep.equal(Array(3).fill('no reason was given'))
  })

  it('comes to an end', () => {
    const circular = new Error('')
    circular.cause = circular
    const nested = new AggregateError([])
    nested.errors = [nested, nested, nested]

    expect(messageOf(circular)).to.equal('Error')
    expect(messageOf(nested)).to.equal('AggregateError')
    expect(messageOf(new Proxy({}, { get: () => { throw new Error('hostile') } }))).to.equal('an object')
  })

  it('is one short line, whatever was thrown', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), fc.string(), (thrown, message) => {
      for (const text of [messageOf(thrown), messageOf({ message, errors: [thrown], cause: thrown })]) {
        expect(text).to.match(/^[^\p{Cc}]{1,201}$/u)
        expect(text).to.not.include('[object ')
      }
    }))
  })

  it('is that of the error that something is turned to', () => {
    const error = new Error('connect ECONNREFUSED 1.2.3.4:1')

    expect(toError(error)).to.equal(error)
    expect(toError(errorEvent({ error }))).to.equal(error)
    expect(toError(errorEvent({ error: new TypeError('') })).message).to.match(/^what was opened failed/)
    expect(toError('text').message).to.equal('"text"')
  })
})
