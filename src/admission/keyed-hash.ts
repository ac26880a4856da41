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
export function keyedHash ([key0, key1]: HashKey, text: string): number {
  let [v0, v1, v2, v3] = [key0, key1, 0x6c796765 ^ key0, 0x74656462 ^ key1]

  // two code units of 16 bits make a word, the length is in the last one. One more
  // turn finishes.
  for (let i = 0; i <= text.length + 2; i += 2) {
    const isOver = i > text.length
    let word = 0

    if (i + 1 < text.length) {
      word = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16)
    } else if (!isOver) {
      word = text.charCodeAt(i) | ((text.length * 2) << 24)
    }

    v3 ^= word
    v2 ^= isOver ? 0xff : 0

    for (let round = isOver ? 4 : 2; round > 0; round--) {
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

    v0 ^= word
  }

  return (v1 ^ v3) >>> 0
}

function rotate (word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
