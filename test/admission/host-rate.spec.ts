import { expect } from 'aegir/chai'
import { parseIp } from '../../src/addresses/index.ts'
import { HostRate } from '../../src/admission/host-rate.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

function taken (rate: HostRate, text: string, attempts: number): number {
  const ip = parseIp(text)

  return Array.from({ length: attempts }, () => ip == null ? undefined : rate.take(ip)).filter(limit => limit == null).length
}

describe('admission/host-rate', () => {
  let clock: VirtualClock

  beforeEach(() => {
    clock = new VirtualClock()
  })

  it('lets a host connect so often within a second, and again in the next one', async () => {
    const rate = new HostRate(clock, { inboundConnectionThreshold: 3, limitPrivateHosts: false })
    expect(taken(rate, '83.12.4.5', 5)).to.equal(3)
    expect(taken(rate, '83.12.4.6', 5), 'another host').to.equal(3)
    expect(taken(rate, '2a01:4f8::1', 5), 'another family').to.equal(3)

    await clock.advance(999)
    expect(taken(rate, '83.12.4.5', 1)).to.equal(0)
    await clock.advance(1)
    expect(taken(rate, '83.12.4.5', 5)).to.equal(3)
  })

  it('says which limit is exceeded', () => {
    const rate = new HostRate(clock, { inboundConnectionThreshold: 1, limitPrivateHosts: false })
    const ip = parseIp('83.12.4.5')
    expect(ip == null ? undefined : [rate.take(ip), rate.take(ip)]).to.deep.equal([undefined, { scope: 'ip:83.12.4.5', current: 1, limit: 1 }])
  })

  it('does not limit hosts of the own machine or network, unless it shall', () => {
    for (const [limitPrivateHosts, expected] of [[false, 9], [true, 3]] as const) {
      const rate = new HostRate(clock, { inboundConnectionThreshold: 3, limitPrivateHosts })

      expect(['127.0.0.1', '192.168.1.1', '::1'].map(ip => taken(rate, ip, 9))).to.deep.equal([expected, expected, expected])
    }
  })

  it('limits nobody without a threshold', () => {
    expect(taken(new HostRate(clock, { inboundConnectionThreshold: Infinity, limitPrivateHosts: true }), '83.12.4.5', 100)).to.equal(100)
  })
})
