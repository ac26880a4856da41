import type { IpAddress } from '../addresses/index.ts'

/**
 * Where a node keeps what it is: its children for the next bit being 0 and 1, the
 * length of its prefix, and the place of its value
 */
const CHILDREN = 0
const BITS = 2
const VALUE = 3
const NODE_SIZE = 4

/**
 * The words of prefixes are apart, as they are not read on the way to a value
 */
const PREFIX_SIZE = 4

const INITIAL_NODES = 8

/**
 * No node, and no value
 */
export const NONE = 0

/**
 * The nodes of a binary tree of prefixes, as numbers in one block of memory. A tree of
 * many objects is slow to walk, as each is somewhere else, and slow to collect.
 */
export class PrefixNodes {
  #data = new Int32Array(INITIAL_NODES * NODE_SIZE)
  #prefixes = new Int32Array(INITIAL_NODES * PREFIX_SIZE)

  /**
   * The next node that was never used. The first one stands for none.
   */
  #next = 1

  /**
   * Nodes that were deleted, linked by their first child
   */
  #deleted = NONE

  /**
   * A node without children and without a value
   */
  create (words: readonly number[], bits: number): number {
    const node = this.#allocate()
    const at = node * NODE_SIZE
    this.#data.fill(0, at, at + NODE_SIZE)
    this.#data[at + BITS] = bits

    this.#prefixes.set(words, node * PREFIX_SIZE)

    return node
  }

  /**
   * To be called when nothing refers to the node any more
   */
  delete (node: number): void {
    this.#data[node * NODE_SIZE + CHILDREN] = this.#deleted
    this.#deleted = node
  }

  /**
   * Whether a node has neither children nor a value
   */
  isEmpty (node: number): boolean {
    return this.value(node) === NONE && this.child(node, 0) === NONE && this.child(node, 1) === NONE
  }

  bits (node: number): number {
    return this.#data[node * NODE_SIZE + BITS]
  }

  value (node: number): number {
    return this.#data[node * NODE_SIZE + VALUE]
  }

  setValue (node: number, value: number): void {
    this.#data[node * NODE_SIZE + VALUE] = value
  }

  /**
   * The child of a node, for its next bit being `bit`
   */
  child (node: number, bit: number): number {
    return this.#data[node * NODE_SIZE + CHILDREN + bit]
  }

  setChild (node: number, bit: number, child: number): void {
    this.#data[node * NODE_SIZE + CHILDREN + bit] = child
  }

  /**
   * The bit of a node's prefix at an index
   */
  bitAt (node: number, index: number): number {
    return (this.#prefixes[node * PREFIX_SIZE + (index >> 5)] >>> (31 - (index & 31))) & 1
  }

  /**
   * How many of the first bits of a node's prefix an address shares, as far as the
   * prefix goes
   */
  sharedBits (node: number, ip: IpAddress): number {
    const at = node * PREFIX_SIZE
    const bits = this.bits(node)

    for (let i = 0; i * 32 < bits; i++) {
      const difference = this.#prefixes[at + i] ^ ip.word(i)

      if (difference !== 0) {
        return Math.min(bits, i * 32 + Math.clz32(difference))
      }
    }

    return bits
  }

  /**
   * Whether an address begins with a node's prefix
   */
  contains (node: number, ip: IpAddress): boolean {
    return this.sharedBits(node, ip) === this.bits(node)
  }

  #allocate (): number {
    if (this.#deleted !== NONE) {
      const node = this.#deleted
      this.#deleted = this.#data[node * NODE_SIZE + CHILDREN]

      return node
    }

    if (this.#next * NODE_SIZE === this.#data.length) {
      this.#data = doubled(this.#data)
      this.#prefixes = doubled(this.#prefixes)
    }

    return this.#next++
  }
}

function doubled (numbers: Int32Array): Int32Array<ArrayBuffer> {
  const result = new Int32Array(numbers.length * 2)
  result.set(numbers)

  return result
}
