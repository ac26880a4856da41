import { addressStore } from './address-store.ts'
import { EventClock } from './event-clock.ts'
import { SeededRandom } from './seeded-random.ts'
import { Tally } from './tally.ts'
import type { Link } from './link.ts'
import type { Policy, PolicyWorld } from './policy.ts'
import type { Population } from './population.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { Traffic } from './traffic.ts'
import type { PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * In ms: a dial that nobody answers
 */
const DIAL_TIMEOUT = 6_000

/**
 * A handshake takes so many round trips
 */
const ROUND_TRIPS = 4

const START = 1_700_000_000_000

/**
 * The generators that the world draws from, one for each kind of event, so that the
 * same happens whatever the policy does
 */
const ARRIVALS = 11
const SESSIONS = 12
const ATTACKS = 13
const STAYS = 14
const USES = 15

/**
 * One node and all others around it: who connects when, stays how long, and is useful
 * how often
 */
export class World implements PolicyWorld {
  readonly clock = new EventClock(START)
  readonly addressBook: readonly SimulatedNode[]
  readonly peerStore: PeerStore
  readonly tally = new Tally()
  /**
   * Called when a policy closes an open connection
   */
  onClosedByPolicy: (link: Link) => void = () => {}

  /**
   * Called when a connection is open
   */
  onOpened: (link: Link) => void = () => {}
  private readonly population: Population
  private readonly traffic: Traffic
  private readonly seed: number
  private readonly byIp = new Map<string, SimulatedNode>()
  private readonly links = new Map<SimulatedNode, Set<Link>>()
  private policy?: Policy
  private linkCount = 0

  constructor (population: Population, traffic: Traffic, seed: number) {
    this.population = population
    this.traffic = traffic
    this.seed = seed
    this.addressBook = [...population.honest, ...population.attackers]
    this.peerStore = addressStore(this.addressBook)

    for (const node of this.addressBook) {
      this.byIp.set(node.ip, node)
    }
  }

  /**
   * Honest nodes come and go from now on
   */
  begin (policy: Policy): void {
    this.policy = policy
    this.comeAndGo()
    this.arrive(new SeededRandom(this.seed, ARRIVALS))
  }

  /**
   * The attack begins: his addresses answer from now on
   */
  attack (): void {
    this.population.attackers.forEach(node => { node.isOnline = true })

    if (this.population.attackers.length > 0) {
      this.strike(new SeededRandom(this.seed, ATTACKS), 0)
    }
  }

  nodeOf (address: Multiaddr): SimulatedNode {
    const ip = address.getComponents()[0].value ?? ''
    const node = this.byIp.get(ip)

    if (node == null) {
      throw new Error(`There is no node at ${ip}`)
    }

    return node
  }

  close (link: Link): void {
    if (link.status === 'open') {
      this.end(link)
      this.onClosedByPolicy(link)
    }
  }

  dial (node: SimulatedNode, onEnd: (link: Link | undefined) => void, isWanted: () => boolean = () => true): void {
    if (!node.isOnline) {
      this.clock.schedule(DIAL_TIMEOUT, () => { onEnd(undefined) })
      return
    }

    this.clock.schedule(node.rtt * ROUND_TRIPS, () => {
      if (!node.isOnline || !isWanted()) {
        onEnd(undefined)
        return
      }

      const link = this.createLink(node, 'outbound')
      this.open(link)
      onEnd(link)
    })
  }

  private createLink (node: SimulatedNode, direction: Link['direction']): Link {
    return { id: this.linkCount++, node, direction, status: 'handshake', openedAt: this.clock.now(), streams: 0 }
  }

  /**
   * Honest nodes go offline and come back. Half of them are online.
   */
  private comeAndGo (): void {
    const random = new SeededRandom(this.seed, SESSIONS)
    const toggle = (node: SimulatedNode): void => {
      this.clock.schedule(random.exponential(this.traffic.honestSession), () => {
        node.isOnline = !node.isOnline

        if (!node.isOnline) {
          this.links.get(node)?.forEach(link => { this.hangUp(link) })
        }

        toggle(node)
      })
    }

    for (const node of this.population.honest) {
      node.isOnline = random.next() < 0.5
      toggle(node)
    }

    this.population.attackers.forEach(node => { node.isOnline = false })
  }

  private arrive (random: SeededRandom): void {
    this.clock.schedule(random.exponential(this.traffic.honestInterval), () => {
      const node = this.population.honest[random.below(this.population.honest.length)]

      if (node.isOnline) {
        this.knock(node, false)
      }

      this.arrive(random)
    })
  }

  private strike (random: SeededRandom, next: number): void {
    const { attackers } = this.population

    this.clock.schedule(random.exponential(this.traffic.attackInterval), () => {
      const isSlow = random.next() < this.traffic.slowHandshakes
      this.knock(attackers[next % attackers.length], isSlow)
      this.strike(random, next + 1)
    })
  }

  /**
   * A node connects, unless it is connected
   */
  private knock (node: SimulatedNode, isSlow: boolean): void {
    const { policy } = this

    if (policy == null || this.links.has(node)) {
      return
    }

    const link = this.createLink(node, 'inbound')
    this.tally.knocked(link)

    if (!policy.accept(link)) {
      link.status = 'closed'
      return
    }

    this.remember(link)

    if (isSlow) {
      this.clock.schedule(policy.handshakeTimeout, () => { this.fail(link, policy) })
    } else {
      this.clock.schedule(node.rtt * ROUND_TRIPS, () => { this.upgrade(link, policy) })
    }
  }

  private upgrade (link: Link, policy: Policy): void {
    if (!link.node.isOnline) {
      this.fail(link, policy)
      return
    }

    // the policy may close it again as soon as it is told
    this.open(link)

    if (policy.opened(link)) {
      this.tally.letIn(link)
    } else {
      this.close(link)
    }
  }

  private fail (link: Link, policy: Policy): void {
    link.status = 'closed'
    this.forget(link)
    policy.failed(link)
  }

  private open (link: Link): void {
    const { clock, tally } = this
    link.status = 'open'
    link.openedAt = clock.now()
    this.remember(link)
    tally.add(link, clock.now())
    this.onOpened(link)

    // the same for all policies, whatever happened to it before
    if (link.node.isHonest) {
      const random = new SeededRandom(this.seed, STAYS, link.node.index, Math.floor(clock.now() / 1_000))
      clock.schedule(random.exponential(this.traffic.honestStay), () => { this.hangUp(link) })
    }

    if (link.node.value > 0) {
      this.use(link, new SeededRandom(this.seed, USES, link.node.index), true)
    }
  }

  private use (link: Link, random: SeededRandom, isFirst: boolean): void {
    this.clock.schedule(random.exponential(this.traffic.useInterval), () => {
      if (link.status === 'open') {
        this.policy?.used(link, isFirst)
        this.use(link, random, false)
      }
    })
  }

  /**
   * The other end closes a connection
   */
  private hangUp (link: Link): void {
    if (link.status === 'open') {
      this.end(link)
      this.policy?.closed(link)
    }
  }

  private end (link: Link): void {
    link.status = 'closed'
    this.tally.remove(link, this.clock.now())
    this.forget(link)
  }

  private remember (link: Link): void {
    const links = this.links.get(link.node)

    if (links == null) {
      this.links.set(link.node, new Set([link]))
    } else {
      links.add(link)
    }
  }

  private forget (link: Link): void {
    const links = this.links.get(link.node)
    links?.delete(link)

    if (links?.size === 0) {
      this.links.delete(link.node)
    }
  }
}
