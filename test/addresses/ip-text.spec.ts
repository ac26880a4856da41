import { expect } from 'aegir/chai'
import { bytesToIp, familyOf, ipToBytes, isPublicIp } from '../../src/addresses/index.ts'

describe('addresses/ip-text', () => {
  it('have a family', () => {
    expect(['1.2.3.4', '::1', '2a02::1', '::ffff:1.2.3.4'].map(familyOf)).to.deep.equal([4, 6, 6, 6])
    expect(['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1e1.1.1.1', '-1.1.1.1', 'a', ':', '::1/64', '1.2.3.4 ', ':'.repeat(46)].map(familyOf)).to.deep.equal(Array.from({ length: 12 }, () => undefined))
  })

  it('are public, or not', () => {
    expect(['81.2.69.10', '2a02::1'].map(ip => isPublicIp(ip))).to.deep.equal([true, true])
    expect(['', '0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '169.254.1.1', '192.168.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fc00::1', 'ff02::1', '::ffff:10.0.0.1', undefined].map(ip => isPublicIp(ip))).to.not.include(true)
    expect(isPublicIp('81.2.69.10', 6)).to.be.false()
  })

  it('become bytes and return', () => {
    for (const ip of ['81.2.69.10', '2a02:aa:1::2', '::1']) {
      expect(bytesToIp(ipToBytes(ip))).to.equal(ip)
    }

    expect(bytesToIp(Uint8Array.of(1, 2, 3, 4))).to.equal('1.2.3.4')
  })
})
