import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { SeededRandom } from '../../simulate/seeded-random.ts'
import { parseIp } from '../../src/addresses/index.ts'
import { pendingLimits } from '../../src/admission/index.ts'
import { PendingHandshakes } from '../../src/admission/pending-handshakes.ts'
import { ConnectionEntry } from '../../src/core/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const LIMIT = 256

/**
 * In ms: how long an honest handshake takes
 */
const HONEST_HANDSHAKE = 400

/**
 * In ms: `inboundUpgradeTimeout` of libp2p
 */
const TIMEOUT = 10_000

describe('admission/pending-handshakes', () => {
  let clock: VirtualClock
  let pending: PendingHandshakes

  beforeEach(() => {
    clock = new VirtualClock()
    pending = new PendingHandshakes({ clock, random: new SeededRandom(1) }, LIMIT, pendingLimits(LIMIT))
  })

  /**
   * A host connects. One gives way to it if there is none left, or it does not come in.
   */
  function connect (ip: string): ConnectionEntry | undefined {
    const origin = entryFrom(ip)
    pending.knock(origin)
    const victim = pending.isFull ? pending.victimFor(origin) : undefined

    if (pending.check(origin) != null || (pending.isFull && victim == null)) {
      return
    }

    if (victim != null) {
      pending.delete(victim)
      dropped.add(victim)
    }

    pending.add(origin, true)

    return origin
  }

  const dropped = new Set<ConnectionEntry>()

  /**
   * How many of 50 honest newcomers, each from a network of its own, come in and finish while
   * `attackers` connect so many times a second and say nothing
   */
  async function honestOf50 (attackers: (i: number) => string, perSecond: number): Promise<number> {
    let finished = 0
    let knocks = 0
    const ends: Array<{ at: number, handshake: ConnectionEntry, isHonest: boolean }> = []

    for (let ms = 0; ms < 20_000; ms += 10) {
      const now = clock.now()

      for (const end of ends.filter(({ at }) => at <= now)) {
        ends.splice(ends.indexOf(end), 1)

        if (!dropped.has(end.handshake)) {
          pending.delete(end.handshake)
          finished += Number(end.isHonest)
        }
      }

      for (; knocks < (ms + 10) * perSecond / 1_000; knocks++) {
        const handshake = connect(attackers(knocks))
        handshake != null && ends.push({ at: clock.now() + TIMEOUT, handshake, isHonest: false })
      }

      if (ms >= 5_000 && (ms - 5_000) % 250 === 0 && ms < 17_500) {
        const handshake = connect(`45.${(ms - 5_000) / 250}.1.1`)
        handshake != null && ends.push({ at: clock.now() + HONEST_HANDSHAKE, handshake, isHonest: true })
      }

      await clock.advance(10)
    }

    return finished
  }

  const ATTACKS: Record<string, (i: number) => string> = {
    'one IPv6 /48': i => `2a00:1:2:${(i % 50_000).toString(16)}::1`,
    'one IPv6 /32': i => `2a00:1:${(i % 50_000).toString(16)}::1`,
    'six IPv4 addresses': i => `77.${i % 2}.0.${i % 6}`,
    'one IPv4 /16': i => `77.1.${(i >> 8) % 256}.${i % 256}`,
    'an address in each of 4 096 networks': i => `${100 + i % 16}.${(i >> 4) % 256}.0.1`,
    'new addresses everywhere': i => `${100 + i % 100}.${(i >> 3) % 256}.${(i >> 7) % 256}.${i % 256}`
  }

  for (const [name, attackers] of Object.entries(ATTACKS)) {
    it(`lets honest newcomers in while silent sockets from ${name} take all places`, async function () {
      this.timeout(20_000)
      expect(await honestOf50(attackers, 200)).to.be.at.least(48)
    })
  }

  it('closes one of a crowded network at once, however short it has waited', () => {
    for (let i = 0; i < LIMIT; i++) {
      connect(i < 100 ? `203.0.${i}.1` : `${30 + i % 100}.${i % 256}.0.1`)
    }

    const victim = pending.victimFor({ ip: parseIp('45.1.1.1') })
    expect(victim?.ip?.text).to.match(/^203\.0\./)
    expect(pending.victimFor({ ip: parseIp('203.0.200.1') }), 'nobody is worse than its neighbours').to.be.undefined()
  })

  it('closes the one whose host has knocked most, where all networks are alike, and then the oldest', async () => {
    pending = new PendingHandshakes({ clock, random: new SeededRandom(1) }, 3, {})

    for (const ip of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      connect(ip)
      await clock.advance(1_000)
    }

    const newcomer = { ip: parseIp('45.1.1.1') }
    expect(pending.victimFor(newcomer)?.ip?.text).to.equal('203.0.113.1')
    pending.knock({ ip: parseIp('203.0.113.2') })
    pending.knock({ ip: parseIp('203.0.113.2') })
    expect(pending.victimFor(newcomer)?.ip?.text).to.equal('203.0.113.2')
  })

  it('closes one at once whose host knocks again and again, for one that does not', async () => {
    pending = new PendingHandshakes({ clock, random: new SeededRandom(1) }, 10, pendingLimits(10))
    const attackers = Array.from({ length: 400 }, (_, i) => `${30 + i % 100}.${i % 256}.0.1`)

    // each of them knocks 80 times a minute
    for (let i = 0; i < 20_000; i++) {
      connect(attackers[i % 400])
      i % 5 === 0 && await clock.advance(10)
    }

    const honest = connect('45.1.1.1') ?? expect.fail('it did not come in')
    attackers.forEach(ip => { connect(ip) })
    expect(dropped.has(honest), 'it has its time').to.be.false()
  })

  it('closes none that may not give way, and none before it had time where all are alike', async () => {
    pending = new PendingHandshakes({ clock, random: new SeededRandom(1) }, 2, pendingLimits(2))
    const other = entryFrom()
    pending.add(entryFrom(), false)
    pending.add(other, true)
    expect(pending.victimFor({})).to.be.undefined()

    await clock.advance(1_000)
    expect(pending.victimFor({})).to.equal(other)
  })

  it('counts what is there, in any order in which it leaves', () => {
    const handshakes = Array.from({ length: 20 }, () => entryFrom())
    handshakes.forEach((handshake, i) => { pending.add(handshake, i % 3 !== 0) })
    handshakes.filter((_, i) => i % 2 === 0).forEach(handshake => { pending.delete(handshake) })
    expect(pending.size).to.equal(10)
    handshakes.filter((_, i) => i % 2 === 1).reverse().forEach(handshake => { pending.delete(handshake) })
    expect(pending.size).to.equal(0)
    expect(pending.victimFor({})).to.be.undefined()
  })
})

function entryFrom (ip?: string): ConnectionEntry {
  return new ConnectionEntry('accepted', multiaddr(ip == null ? '/memory/1' : `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/4001`), false)
}
