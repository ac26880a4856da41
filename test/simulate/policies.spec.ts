import { expect } from 'aegir/chai'
import { EventClock } from '../../simulate/event-clock.ts'
import { GoLibp2pPolicy } from '../../simulate/policies/go-libp2p.ts'
import { Libp2pPolicy } from '../../simulate/policies/libp2p.ts'
import { RandomPolicy } from '../../simulate/policies/random.ts'
import { SeededRandom } from '../../simulate/seeded-random.ts'
import { SimulatedNode } from '../../simulate/simulated-node.ts'
import type { Link } from '../../simulate/link.ts'
import type { Policy, PolicyInit, PolicyWorld } from '../../simulate/policy.ts'

/**
 * A world in which nothing happens by itself
 */
class Stage {
  readonly clock = new EventClock(0)
  readonly closed: Link[] = []
  readonly policy: Policy
  private count = 0

  constructor (PolicyClass: new (world: PolicyWorld, init: PolicyInit) => Policy, init: Partial<PolicyInit> = {}) {
    const world = {
      clock: this.clock,
      addressBook: [],
      close: (link: Link) => { this.closed.push(link) }
    } as unknown as PolicyWorld

    this.policy = new PolicyClass(world, { maxConnections: 10, lowWater: 8, outbound: 0, random: new SeededRandom(1), ...init })
  }

  link (host = 1_000 + this.count, value = 0): Link {
    return { id: this.count, node: new SimulatedNode(this.count++, host, { isHonest: true, rtt: 10, value }), direction: 'inbound', status: 'handshake', openedAt: this.clock.now(), streams: 0 }
  }

  /**
   * Knocks and, if it is let in, opens. Returns `undefined` if it is refused.
   */
  connect (link = this.link()): Link | undefined {
    if (this.policy.accept(link)) {
      link.status = 'open'
      this.policy.opened(link)

      return link
    }
  }

  connectMany (count: number): Array<Link | undefined> {
    return Array.from({ length: count }, () => this.connect())
  }
}

describe('simulate/policies', () => {
  describe('libp2p', () => {
    it('refuses while ten handshakes are under way', () => {
      const stage = new Stage(Libp2pPolicy, { maxConnections: 100 })
      const links = Array.from({ length: 10 }, () => stage.link())

      expect(links.map(link => stage.policy.accept(link))).to.not.include(false)
      expect(stage.policy.accept(stage.link())).to.be.false()

      stage.policy.failed(links[0])
      expect(stage.policy.accept(stage.link())).to.be.true()
    })

    it('refuses the sixth of a host within a second', async () => {
      const stage = new Stage(Libp2pPolicy, { maxConnections: 100 })

      expect(Array.from({ length: 6 }, () => stage.connect(stage.link(1)) != null)).to.deep.equal([true, true, true, true, true, false])
      await stage.clock.runUntil(1_000)
      expect(stage.connect(stage.link(1))).to.not.be.undefined()
    })

    it('refuses all when there are as many as there may be, whoever they are', () => {
      const stage = new Stage(Libp2pPolicy)
      stage.connectMany(10)

      expect(stage.connect(stage.link(1, 100))).to.be.undefined()
      expect(stage.closed).to.be.empty()
    })

    it('closes the least valuable when there are more all the same', async () => {
      const stage = new Stage(Libp2pPolicy)
      const links = stage.connectMany(9)
      links.slice(2).forEach(link => { link != null && stage.policy.used(link, true) })
      const pending = [stage.link(), stage.link()]
      pending.forEach(link => stage.policy.accept(link))
      await stage.clock.runUntil(1_000)
      pending.forEach(link => { Object.assign(link, { openedAt: stage.clock.now() }) })
      pending.forEach(link => stage.policy.opened(link))

      // of those that are not in use the newest
      expect(stage.closed).to.deep.equal([pending[0]])
    })

    it('closes nobody who is in use', () => {
      const stage = new Stage(Libp2pPolicy)
      stage.connectMany(9).forEach(link => { link != null && stage.policy.used(link, true) })
      const pending = [stage.link(), stage.link()]
      pending.forEach(link => stage.policy.accept(link))
      stage.policy.opened(pending[0])
      stage.policy.used(pending[0], true)
      pending[1].streams = 1
      stage.policy.opened(pending[1])

      expect(stage.closed).to.be.empty()
    })
  })

  describe('go-libp2p', () => {
    it('refuses the ninth of a host, and more than 96 handshakes', () => {
      const stage = new Stage(GoLibp2pPolicy, { maxConnections: 300 })

      expect(Array.from({ length: 9 }, () => stage.connect(stage.link(1)) != null).filter(isOpen => isOpen)).to.have.lengthOf(8)
      expect(Array.from({ length: 97 }, () => stage.policy.accept(stage.link())).filter(isOpen => isOpen)).to.have.lengthOf(96)
    })

    it('closes down to the low watermark every ten seconds, but nobody within the first minute', async () => {
      const stage = new Stage(GoLibp2pPolicy)
      await stage.policy.start()
      stage.connectMany(12)

      await stage.clock.runUntil(59_000)
      expect(stage.closed).to.be.empty()

      await stage.clock.runUntil(61_000)
      expect(stage.closed).to.have.lengthOf(4)
    })

    it('closes those of the lowest value first', async () => {
      const stage = new Stage(GoLibp2pPolicy)
      await stage.policy.start()
      const links = Array.from({ length: 10 }, (_, i) => stage.connect(stage.link(i, i)))
      links.forEach(link => { link != null && stage.policy.used(link, true) })
      await stage.clock.runUntil(70_000)

      expect(stage.closed.map(({ node }) => node.value)).to.deep.equal([0, 1])
    })

    it('lets 16 of a host connect at once, then one in five seconds', async () => {
      const stage = new Stage(GoLibp2pPolicy, { maxConnections: 300 })
      const knock = (): boolean => {
        const link = stage.link(1)
        const isAccepted = stage.policy.accept(link)
        isAccepted && stage.policy.failed(link)

        return isAccepted
      }

      expect(Array.from({ length: 17 }, knock).filter(isAccepted => isAccepted)).to.have.lengthOf(16)
      await stage.clock.runUntil(5_000)
      expect([knock(), knock()]).to.deep.equal([true, false])
    })
  })

  it('random closes one for each that is too many', () => {
    const stage = new Stage(RandomPolicy)
    stage.connectMany(25)

    expect(stage.closed).to.have.lengthOf(15)
    expect(new Set(stage.closed).size).to.equal(15)
  })
})
