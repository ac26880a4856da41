import { parsers } from './parsers.ts'
import { seeds } from './seeds.ts'
import type { Seed } from './seeds.ts'

/**
 * What a parser did with everything it was given
 */
export interface ParserResult {
  parser: Seed['parser']
  runs: number
  crashes: number

  /**
   * The longest that one input took, in ms
   */
  slowest: number
}

/**
 * An input that a parser did not take
 */
export interface Crash {
  parser: Seed['parser']
  data: Uint8Array
  error: unknown
}

/**
 * Give a seed as it is to its parser
 *
 * @throws {Error} whatever it throws
 */
export function runSeed ({ parser, data }: Seed): void {
  run(parser, bytesOf(data))
}

/**
 * Give `runs` mutated seeds to the parsers. The same `seed` of chance gives the same
 * inputs.
 */
export function fuzz (runs: number, seed: number, onCrash: (crash: Crash) => void): ParserResult[] {
  const random = generator(seed)
  const results = new Map(seeds.map(({ parser }): [Seed['parser'], ParserResult] => [parser, { parser, runs: 0, crashes: 0, slowest: 0 }]))

  for (let i = 0; i < runs; i++) {
    const { parser, data: original } = seeds[Math.floor(random() * seeds.length)]
    const data = mutate(bytesOf(original), random)
    const result = results.get(parser)
    const start = performance.now()

    try {
      // a parser may write to its input
      run(parser, data.slice())
    } catch (error) {
      onCrash({ parser, data, error })

      if (result != null) {
        result.crashes++
      }
    }

    if (result != null) {
      result.runs++
      result.slowest = Math.max(result.slowest, performance.now() - start)
    }
  }

  return [...results.values()]
}

/**
 * An input, to look at it again
 */
export function hexOf (data: Uint8Array): string {
  return Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('')
}

function run (parser: Seed['parser'], data: Uint8Array): void {
  parsers[parser](data, new TextDecoder().decode(data))
}

function mutate (data: Uint8Array, random: () => number): Uint8Array {
  const pick = (max: number): number => Math.floor(random() * max)
  let bytes = [...data]

  for (let count = 1 + pick(4); count > 0; count--) {
    const at = pick(bytes.length + 1)

    switch (pick(7)) {
      case 0:
        bytes[at] = pick(256)
        break
      case 1:
        bytes[Math.min(at, bytes.length - 1)] ^= 1 << pick(8)
        break
      case 2:
        bytes = bytes.slice(0, at)
        break
      case 3:
        bytes.splice(at, pick(16))
        break
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + pick(64)))
        break
      case 5: {
        const other = bytesOf(seeds[pick(seeds.length)].data)
        const from = pick(other.length)
        bytes.splice(at, 0, ...other.slice(from, from + pick(64)))
        break
      }
      default:
        bytes.splice(at, 0, ...new Uint8Array(pick(200)).fill(bytes[at] ?? 0x3c))
    }
  }

  return Uint8Array.from(bytes, byte => byte ?? 0)
}

function bytesOf (data: Seed['data']): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : Uint8Array.from(data)
}

// mulberry32
function generator (seed: number): () => number {
  let state = seed

  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed

    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
