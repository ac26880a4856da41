import { expect } from 'aegir/chai'
import { judgeDoubleNAT } from '../../src/reachability/node-watch.ts'

describe('double NAT', () => {
  it('is recognised by a gateway with a private address', () => {
    for (const gatewayAddress of ['10.0.0.2', '192.168.1.7', '100.64.0.10', '172.16.0.1']) {
      expect(judgeDoubleNAT({ gatewayAddress })).to.deep.equal({ gatewayAddress, observedAddress: undefined })
    }
  })

  it('is recognised by peers that see another address', () => {
    expect(judgeDoubleNAT({ gatewayAddress: '81.2.69.10', observedAddress: '81.2.69.77' })).to.deep.equal({ gatewayAddress: '81.2.69.10', observedAddress: '81.2.69.77' })
    expect(judgeDoubleNAT({ gatewayAddress: '', observedAddress: '81.2.69.77' })).to.deep.equal({ gatewayAddress: '', observedAddress: '81.2.69.77' })
    expect(judgeDoubleNAT({ gatewayAddress: '0.0.0.0', observedAddress: '81.2.69.77' })).to.deep.equal({ gatewayAddress: '', observedAddress: '81.2.69.77' })
  })

  it('is not concluded from nothing, nor from an outage', () => {
    expect(judgeDoubleNAT({})).to.be.undefined()
    expect(judgeDoubleNAT({ observedAddress: '81.2.69.77' })).to.be.undefined()
    expect(judgeDoubleNAT({ gatewayAddress: '' })).to.be.undefined()
    expect(judgeDoubleNAT({ gatewayAddress: '', observedAddress: '81.2.69.10', previousAddress: '81.2.69.10' })).to.be.undefined()
    expect(judgeDoubleNAT({ gatewayAddress: '81.2.69.10', observedAddress: '81.2.69.10' })).to.be.undefined()
  })
})
