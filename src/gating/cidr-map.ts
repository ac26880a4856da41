import { addressBits, PrefixNumbers } from '../addresses/index.ts'
import { NONE, PrefixNodes } from './prefix-nodes.ts'
import type { Cidr } from './cidr.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * Ranges with fewer bits are in one tree per family. The others have a tree for each
 * network of so many bits, which is found at once: with many ranges, few share one.
 */
const TREE_BITS = { 4: 16, 6: 32 }

/**
 * Values by ranges of IP addresses, in binary radix trees: looking up an address
 * takes as many steps as there are prefixes on the way to it, at most one per bit,
 * however many ranges there are.
 */
export class CidrMap<T extends NonNullable<unknown>> {
  #nodes = new PrefixNodes()

  /**
   * The trees of the wide ranges
   */
  #roots = createRoots(this.#nodes)

  /**
   * The trees of the narrow ranges
   */
  #trees = createTrees()

  /**
   * The values that nodes refer to. The first place stands for none.
   */
  #values: Array<T | undefined> = [undefined]
  #freePlaces: number[] = []

  /**
   * How many ranges have a value
   */
  get size (): number {
    return this.#values.length - 1 - this.#freePlaces.length
  }

  /**
   * The value of exactly this range
   */
  get (cidr: Cidr): T | undefined {
    return this.#values[this.#nodes.value(this.#find(cidr))]
  }

  /**
   * The value of the most specific range that an address is in. With `accept`,
   * of those whose value is accepted. An embedded IPv4 address is looked up as that
   * first, then as the IPv6 address that it was written in.
   */
  match (ip: IpAddress, accept?: (value: T) => boolean): T | undefined {
    // most lists are empty, and every connection that knocks is looked up in all
    if (this.size === 0) {
      return
    }

    // of narrow ranges first, as they are more specific
    return this.#matchIn(this.#trees[ip.family].get(ip), ip, accept) ??
      this.#matchIn(this.#roots[ip.family], ip, accept) ??
      (ip.embeddedIn == null ? undefined : this.match(ip.embeddedIn, accept))
  }

  /**
   * Whether an address is in one of the ranges
   */
  has (ip: IpAddress): boolean {
    return this.match(ip) !== undefined
  }

  /**
   * Gives a range a value. Replaces the one it has.
   */
  set (cidr: Cidr, value: T): void {
    const node = this.#findOrCreate(cidr)
    const place = this.#nodes.value(node)

    if (place !== NONE) {
      this.#values[place] = value
      return
    }

    const free = this.#freePlaces.pop() ?? this.#values.length
    this.#values[free] = value
    this.#nodes.setValue(node, free)
  }

  /**
   * Takes the value of exactly this range away. Returns whether there was one.
   */
  delete (cidr: Cidr): boolean {
    const nodes = this.#nodes
    const path: number[] = []
    const root = this.#rootOf(cidr)
    let node = this.#find(cidr, path)
    const place = nodes.value(node)

    if (place === NONE) {
      return false
    }

    nodes.setValue(node, NONE)
    this.#values[place] = undefined
    this.#freePlaces.push(place)

    // a node goes with its value, unless it holds two others together
    for (let parent = path.pop(); parent != null && nodes.value(node) === NONE; parent = path.pop()) {
      const zero = nodes.child(node, 0)
      const one = nodes.child(node, 1)

      if (zero !== NONE && one !== NONE) {
        break
      }

      nodes.setChild(parent, nodes.child(parent, 0) === node ? 0 : 1, zero === NONE ? one : zero)
      nodes.delete(node)
      node = parent
    }

    if (root !== this.#roots[cidr.network.family] && nodes.isEmpty(root)) {
      this.#trees[cidr.network.family].set(cidr.network, NONE)
      nodes.delete(root)
    }

    return true
  }

  /**
   * Takes all values away
   */
  clear (): void {
    this.#nodes = new PrefixNodes()
    this.#roots = createRoots(this.#nodes)
    this.#trees = createTrees()
    this.#values = [undefined]
    this.#freePlaces = []
  }

  #matchIn (root: number, ip: IpAddress, accept?: (value: T) => boolean): T | undefined {
    const nodes = this.#nodes
    const length = addressBits(ip.family)
    let node = root
    let found: T | undefined

    while (node !== NONE) {
      const place = nodes.value(node)

      // a node without a value is only passed, right or wrong: the next one with a
      // value tells
      if (place !== NONE) {
        if (!nodes.contains(node, ip)) {
          break
        }

        const value = this.#values[place]

        if (value !== undefined && (accept == null || accept(value))) {
          found = value
        }
      }

      const bits = nodes.bits(node)
      node = bits === length ? NONE : nodes.child(node, bitAt(ip, bits))
    }

    return found
  }

  /**
   * Where the tree begins that a range belongs to
   */
  #rootOf ({ network, bits }: Cidr): number {
    return bits < TREE_BITS[network.family] ? this.#roots[network.family] : this.#trees[network.family].get(network)
  }

  /**
   * The node of exactly this range
   *
   * @param cidr - the range
   * @param path - gets the nodes above it
   */
  #find (cidr: Cidr, path?: number[]): number {
    const nodes = this.#nodes
    const { network, bits } = cidr
    let node = this.#rootOf(cidr)

    while (node !== NONE && nodes.bits(node) < bits) {
      path?.push(node)
      node = nodes.child(node, bitAt(network, nodes.bits(node)))
    }

    return node !== NONE && nodes.bits(node) === bits && nodes.contains(node, network) ? node : NONE
  }

  #findOrCreate (cidr: Cidr): number {
    const nodes = this.#nodes
    const { network, bits } = cidr
    const { words, family } = network
    let node = this.#rootOf(cidr)

    if (node === NONE) {
      node = nodes.create(words, TREE_BITS[family])
      this.#trees[family].set(network, node)
    }

    while (nodes.bits(node) < bits) {
      const bit = bitAt(network, nodes.bits(node))
      const child = nodes.child(node, bit)

      if (child === NONE) {
        const created = nodes.create(words, bits)
        nodes.setChild(node, bit, created)

        return created
      }

      const shared = Math.min(nodes.sharedBits(child, network), bits)

      if (shared < nodes.bits(child)) {
        // the two part ways before the child ends
        const fork = nodes.create(words, shared)
        nodes.setChild(node, bit, fork)
        nodes.setChild(fork, nodes.bitAt(child, shared), child)
        node = fork
      } else {
        node = child
      }
    }

    return node
  }
}

function createRoots (nodes: PrefixNodes): Record<4 | 6, number> {
  return { 4: nodes.create([], 0), 6: nodes.create([], 0) }
}

function createTrees (): Record<4 | 6, PrefixNumbers> {
  return { 4: new PrefixNumbers(TREE_BITS[4]), 6: new PrefixNumbers(TREE_BITS[6]) }
}

function bitAt (ip: IpAddress, index: number): number {
  return (ip.word(index >> 5) >>> (31 - (index & 31))) & 1
}
