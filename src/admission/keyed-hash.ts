/**
 * A secret of 64 bits, as two words
 */
export type HashKey = readonly [number, number]

/**
 * A secret that nobody can guess
 */
export function createHashKey (): HashKey {
  const [first, second] = globalThis.crypto.getRandomValues(new Uint32Array(2))

  return [first, second]
}

/**
 * A hash of a text, as an unsigned 32 bit number, that can not be predicted nor
 * steered without the key: HalfSipHash-2-4 over its UTF-16 code units
 */
export function keyedHash (key: HashKey, text: string): number {
  const state = new Int32Array([key[0], key[1], 0x6c796765 ^ key[0], 0x74656462 ^ key[1]])

  // two code units of 16 bits make a word
  for (let i = 0; i + 1 < text.length; i += 2) {
    absorb(state, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
  }

  const last = text.length % 2 === 1 ? text.charCodeAt(text.length - 1) : 0
  absorb(state, last | ((text.length * 2) << 24))

  state[2] ^= 0xff
  mix(state, 4)

  return (state[1] ^ state[3]) >>> 0
}

function absorb (state: Int32Array, word: number): void {
  state[3] ^= word
  mix(state, 2)
  state[0] ^= word
}

function mix (state: Int32Array, rounds: number): void {
  let [v0, v1, v2, v3] = state

  for (let i = 0; i < rounds; i++) {
    v0 = (v0 + v1) | 0
    v1 = rotate(v1, 5) ^ v0
    v0 = rotate(v0, 16)
    v2 = (v2 + v3) | 0
    v3 = rotate(v3, 8) ^ v2
    v0 = (v0 + v3) | 0
    v3 = rotate(v3, 7) ^ v0
    v2 = (v2 + v1) | 0
    v1 = rotate(v1, 13) ^ v2
    v2 = rotate(v2, 16)
  }

  state[0] = v0
  state[1] = v1
  state[2] = v2
  state[3] = v3
}

function rotate (word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
