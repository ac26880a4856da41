import { DialError } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { attachDialReport } from '../../src/dialing/dial-failure.ts'
import { explainDialError } from '../../src/dialing/index.ts'
import { NoValidAddressesError } from '../../src/errors.ts'

const peerId = peerIdFromString('12D3KooWBUC8S8zbSx6HT2VhBq5Rt8GUuDShBUSuM5FDuf68Y8kD')

describe('explain-dial-error', () => {
  it('lists every address with its reason, those that were dialled first', () => {
    const error = attachDialReport(new AggregateError([], 'All multiaddr dials failed'), {
      peerId,
      failures: [
        { multiaddr: multiaddr('/ip4/0.0.0.0/tcp/1'), reason: 'unspecified' },
        { multiaddr: multiaddr('/ip4/1.2.3.4/tcp/1'), reason: 'refused', error: new Error('connect ECONNREFUSED 1.2.3.4:1') }
      ],
      omitted: 3
    })

    expect(explainDialError(error).split('\n')).to.deep.equal([
      `Could not connect to ${peerId}: no address could be connected to`,
      '  /ip4/1.2.3.4/tcp/1 – nobody listens there (connect ECONNREFUSED 1.2.3.4:1)',
      '  /ip4/0.0.0.0/tcp/1 – not dialled, it says where to listen, not where to dial',
      '  … and 3 more'
    ])
  })

  it('lists no more than 16 addresses, each in one line', () => {
    const error = attachDialReport(new AggregateError([], ''), {
      peerId,
      failures: Array.from({ length: 100 }, (_, i) => ({ multiaddr: multiaddr(`/ip4/1.2.3.4/tcp/${i + 1}`), reason: 'unknown' as const, error: new Error('line\n\u001b[31mline '.repeat(1_000)) })),
      omitted: 900
    })
    const lines = explainDialError(error).split('\n')

    expect(lines).to.have.lengthOf(18)
    expect(lines[17]).to.equal('  … and 984 more')
    expect(Math.max(...lines.map(({ length }) => length))).to.be.below(300)
    expect(lines.join('')).to.not.include('\u001b')
  })

  it('explains what has no report', () => {
    expect(explainDialError(new DialError('Dial queue is full'))).to.equal('The dial failed: too many dials are waiting already')
    expect(explainDialError(new Error('strange'))).to.equal('The dial failed: strange')
    expect(explainDialError('text')).to.equal('The dial failed: "text"')
    expect(explainDialError(attachDialReport(new NoValidAddressesError(), { peerId, failures: [], omitted: 0 })))
      .to.equal(`Could not connect to ${peerId}: there is no address that could be dialled`)
  })
})
