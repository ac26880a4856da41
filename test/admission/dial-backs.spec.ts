import { expect } from 'aegir/chai'
import { IpAddress } from '../../src/addresses/index.ts'
import { DialBacks } from '../../src/admission/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('admission/dial-backs', () => {
  const host = new IpAddress(4, [0xcb007107])
  let clock: VirtualClock
  let dialBacks: DialBacks

  beforeEach(() => {
    clock = new VirtualClock()
    dialBacks = new DialBacks(clock)
  })

  it('are expected once of a host that was asked, and of no other', () => {
    expect(dialBacks.has(host)).to.be.false()
    dialBacks.expect(host)
    expect(dialBacks.has(host)).to.be.true()
    expect(dialBacks.has(new IpAddress(4, [0xcb007108]))).to.be.false()

    dialBacks.take(host)
    expect(dialBacks.has(host)).to.be.false()
    dialBacks.take(host)
    expect(dialBacks.has(host)).to.be.false()
  })

  it('are expected for some seconds after that', async () => {
    dialBacks.expect(host)
    await clock.advance(14_999)
    expect(dialBacks.has(host)).to.be.true()
    await clock.advance(1)
    expect(dialBacks.has(host)).to.be.false()
  })

  it('are not expected again in this time, also where whoever has come is asked because of that', async () => {
    let come = 0

    for (let i = 0; i < 600; i++) {
      dialBacks.expect(host)

      if (dialBacks.has(host)) {
        dialBacks.take(host)
        come++
      }

      await clock.advance(100)
    }

    expect(come).to.equal(4)
  })

  it('are remembered for a bounded number of hosts, those that were asked last', () => {
    const hosts = Array.from({ length: 3_000 }, (_, i) => new IpAddress(4, [0x0b000000 + i]))
    hosts.forEach(ip => { dialBacks.expect(ip) })

    expect(hosts.filter(ip => dialBacks.has(ip))).to.deep.equal(hosts.slice(-1_024))
  })
})
