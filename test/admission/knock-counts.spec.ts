import { expect } from 'aegir/chai'
import { IpAddress } from '../../src/addresses/index.ts'
import { KnockCounts } from '../../src/admission/knock-counts.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('admission/knock-counts', () => {
  let clock: VirtualClock
  let counts: KnockCounts

  beforeEach(() => {
    clock = new VirtualClock()
    counts = new KnockCounts(clock)
  })

  function knock (ip: IpAddress, times = 1): void {
    for (let i = 0; i < times; i++) {
      counts.add(ip)
    }
  }

  it('never counts too few, and hardly too many among tens of thousands', () => {
    const hosts = Array.from({ length: 30_000 }, (_, i) => new IpAddress(4, [0x0b000000 + i * 7]))
    hosts.forEach((ip, i) => { knock(ip, 1 + i % 3) })
    const tooMany = hosts.filter((ip, i) => counts.get(ip) > 1 + i % 3)

    expect(hosts.every((ip, i) => counts.get(ip) >= 1 + i % 3)).to.be.true()
    expect(tooMany.length).to.be.below(1_500)
  })

  it('counts addresses of one IPv6 /64 together, and those of others apart', () => {
    knock(new IpAddress(6, [0x2a000001, 7, 0, 1]), 3)

    expect(counts.get(new IpAddress(6, [0x2a000001, 7, 9, 9]))).to.equal(3)
    expect(counts.get(new IpAddress(6, [0x2a000001, 8, 0, 1]))).to.equal(0)
    expect(counts.get(new IpAddress(4, [0x2a000001]))).to.equal(0)
  })

  it('forgets half in a minute, and all in the end', async () => {
    const ip = new IpAddress(4, [0x0b000001])
    expect(counts.get(ip)).to.equal(0)
    knock(ip, 1_000)
    expect(counts.get(ip)).to.equal(255)

    await clock.advance(60_000)
    expect(counts.get(ip)).to.equal(127)
    await clock.advance(120_000)
    expect(counts.get(ip)).to.equal(31)
    await clock.advance(3_600_000)
    expect(counts.get(ip)).to.equal(0)
  })
})
