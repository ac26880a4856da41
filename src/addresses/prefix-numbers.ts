import { maskWord } from './prefixes.ts'
import type { IpAddress } from './ip-address.ts'

const WORD_BITS = 32
const INITIAL_SLOTS = 16

/**
 * A third of the slots stays free, so that the next free one is near
 */
const MAX_LOAD = 2 / 3

// so that an attacker can not choose networks that all go to the same slot
const [SEED] = globalThis.crypto.getRandomValues(new Uint32Array(1))

/**
 * A whole number for each network of one size, 0 for those that were not set. A hash table
 * in one block of memory, in which a network is beside its number: with many networks,
 * a `Map` spends most of its time on fetching keys from all over the memory.
 */
export class PrefixNumbers {
  readonly #bits: number

  /**
   * How many words a network has
   */
  readonly #words: number

  /**
   * How many words a slot has: the number, then the network
   */
  readonly #stride: number
  #count = 0
  #mask: number

  /**
   * The slots. One with the number 0 is free.
   */
  #slots: Int32Array

  /**
   * The words of the network that is looked for
   */
  readonly #key: Int32Array

  /**
   * @param bits - the size of the networks
   * @param expected - for how many networks there is room at the beginning
   */
  constructor (bits: number, expected = 0) {
    const slots = slotsFor(expected)
    this.#bits = bits
    this.#words = Math.max(1, Math.ceil(bits / WORD_BITS))
    this.#stride = 1 + this.#words
    this.#key = new Int32Array(this.#words)
    this.#mask = slots - 1
    this.#slots = new Int32Array(slots * this.#stride)
  }

  /**
   * How many networks have another number than 0
   */
  get size (): number {
    return this.#count
  }

  /**
   * The number of the network that an address is in
   */
  get (ip: IpAddress): number {
    return this.#numberIn(this.#slotOf(ip))
  }

  /**
   * Set the number of the network that an address is in. Of 32 bits, with a sign.
   */
  set (ip: IpAddress, number: number): void {
    this.#put(this.#slotOf(ip), number)
  }

  /**
   * Add to the number of the network that an address is in, which does not become
   * less than 0
   */
  add (ip: IpAddress, difference: number): void {
    const slot = this.#slotOf(ip)
    this.#put(slot, Math.max(0, this.#numberIn(slot) + difference))
  }

  /**
   * Add 1, if the number of the network that an address is in is less than `limit`.
   * Returns what it was before.
   */
  addBelow (ip: IpAddress, limit: number): number {
    const slot = this.#slotOf(ip)
    const number = this.#numberIn(slot)

    if (number < limit) {
      this.#put(slot, number + 1)
    }

    return number
  }

  /**
   * Set every number to what is made of it
   */
  replaceAll (replace: (number: number) => number): void {
    const slots = this.#slots
    const stride = this.#stride
    this.#count = 0

    for (let from = 0; from < slots.length; from += stride) {
      if (slots[from] !== 0) {
        slots[from] = replace(slots[from])
        this.#count += slots[from] === 0 ? 0 : 1
      }
    }

    // as many will come again
    this.#resize(slotsFor(2 * this.#count))
  }

  #numberIn (slot: number): number {
    return this.#slots[slot * this.#stride]
  }

  /**
   * To be called after `slotOf`, for the network that was looked for
   */
  #put (slot: number, number: number): void {
    const before = this.#numberIn(slot)

    if (number === 0) {
      if (before !== 0) {
        this.#free(slot)
      }

      return
    }

    this.#slots[slot * this.#stride] = number

    if (before === 0) {
      const key = this.#key
      const slots = this.#slots
      const words = this.#words
      const at = slot * this.#stride + 1

      for (let i = 0; i < words; i++) {
        slots[at + i] = key[i]
      }

      this.#count++

      if (this.#count > (this.#mask + 1) * MAX_LOAD) {
        this.#resize((this.#mask + 1) * 2)
      }
    }
  }

  /**
   * The slot of a network, or the one that it would get. Slots are taken in turn from
   * where the hash points to.
   */
  #slotOf (ip: IpAddress): number {
    const key = this.#key
    const mask = this.#mask
    const slots = this.#slots
    const stride = this.#stride
    const count = this.#words

    if (count === 1) {
      return this.#slotOfWord(maskWord(ip.word(0), this.#bits) | 0)
    }

    for (let i = 0, left = this.#bits; i < count; i++, left -= WORD_BITS) {
      key[i] = maskWord(ip.word(i), left)
    }

    let slot = hash(key, 0, count) & mask

    while (this.#numberIn(slot) !== 0 && !equals(slots, slot * stride + 1, key, count)) {
      slot = (slot + 1) & mask
    }

    return slot
  }

  /**
   * The same for IPv4 addresses, which most are
   */
  #slotOfWord (word: number): number {
    const mask = this.#mask
    const slots = this.#slots
    this.#key[0] = word
    let slot = finish(mix(SEED, word)) & mask

    // a number and a word
    while (slots[slot * 2] !== 0 && slots[slot * 2 + 1] !== word) {
      slot = (slot + 1) & mask
    }

    return slot
  }

  /**
   * Frees a slot, and moves up those behind it that it kept from their place
   */
  #free (slot: number): void {
    const mask = this.#mask
    const slots = this.#slots
    const stride = this.#stride
    const words = this.#words
    this.#count--

    for (let next = (slot + 1) & mask; this.#numberIn(next) !== 0; next = (next + 1) & mask) {
      const wanted = hash(slots, next * stride + 1, words) & mask

      if (((next - wanted) & mask) >= ((next - slot) & mask)) {
        slots.copyWithin(slot * stride, next * stride, (next + 1) * stride)
        slot = next
      }
    }

    slots[slot * stride] = 0
  }

  /**
   * Puts all where they belong among as many slots, a power of 2
   */
  #resize (count: number): void {
    const slots = this.#slots
    const stride = this.#stride
    const words = this.#words
    const mask = count - 1
    const resized = new Int32Array(count * stride)

    for (let from = 0; from < slots.length; from += stride) {
      if (slots[from] === 0) {
        continue
      }

      let slot = hash(slots, from + 1, words) & mask

      while (resized[slot * stride] !== 0) {
        slot = (slot + 1) & mask
      }

      for (let i = 0; i < stride; i++) {
        resized[slot * stride + i] = slots[from + i]
      }
    }

    this.#mask = mask
    this.#slots = resized
  }
}

/**
 * How many slots there are for so many networks, a power of 2
 */
function slotsFor (networks: number): number {
  let slots = INITIAL_SLOTS

  while (slots * MAX_LOAD <= networks) {
    slots *= 2
  }

  return slots
}

function equals (keys: Int32Array, at: number, key: Int32Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    if (keys[at + i] !== key[i]) {
      return false
    }
  }

  return true
}

function hash (keys: Int32Array, at: number, count: number): number {
  let state = SEED

  for (let i = 0; i < count; i++) {
    state = mix(state, keys[at + i])
  }

  return finish(state)
}

function mix (state: number, word: number): number {
  const mixed = Math.imul(state ^ word, 0x9e3779b1)

  return mixed ^ (mixed >>> 15)
}

function finish (state: number): number {
  const mixed = Math.imul(state, 0x85ebca6b)

  return mixed ^ (mixed >>> 13)
}
