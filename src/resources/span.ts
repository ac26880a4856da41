import { InvalidOptionError } from '../errors.ts'
import { ScopeStateError } from './errors.ts'
import { MEMORY_PRIORITIES } from './memory-priority.ts'
import type { MemoryPriority } from './memory-priority.ts'
import type { SpanScope } from './scope-types.ts'

/**
 * Whatever memory can be taken from
 */
export interface MemoryOwner {
  readonly name: string
  readonly released: boolean

  /**
   * Take memory for a span
   *
   * @throws {MemoryLimitError} when there is no room for it
   */
  takeMemory(bytes: number, priority: MemoryPriority): void

  /**
   * Take back what a span has taken
   */
  giveMemory(bytes: number): void
}

/**
 * Memory that was taken from an owner and is given back to it at once
 */
export class Span implements SpanScope, MemoryOwner {
  readonly #owner: MemoryOwner
  readonly #suffix: string
  readonly #onRelease: () => void
  #isReleased = false
  #held = 0
  #inSpans = 0

  /**
   * @param owner - where the memory is taken from
   * @param suffix - what comes behind the name of the owner
   * @param onRelease - called once
   */
  constructor (owner: MemoryOwner, suffix = '.span', onRelease = () => {}) {
    this.#owner = owner
    this.#suffix = suffix
    this.#onRelease = onRelease
  }

  get name (): string {
    return `${this.#owner.name}${this.#suffix}`
  }

  get memory (): number {
    return this.released ? 0 : this.#held
  }

  get released (): boolean {
    return this.#isReleased || this.#owner.released
  }

  reserveMemory (bytes: number, priority: MemoryPriority = 'always'): void {
    checkOpen(this)
    checkBytes(bytes)

    if (!MEMORY_PRIORITIES.includes(priority)) {
      throw new InvalidOptionError('priority', priority, MEMORY_PRIORITIES.join(', '))
    }

    this.#owner.takeMemory(bytes, priority)
    this.#held += bytes
  }

  releaseMemory (bytes: number): void {
    checkBytes(bytes)

    if (!this.released) {
      const held = Math.min(bytes, this.#held - this.#inSpans)
      this.#held -= held
      this.#owner.giveMemory(held)
    }
  }

  takeMemory (bytes: number, priority: MemoryPriority): void {
    this.reserveMemory(bytes, priority)
    this.#inSpans += bytes
  }

  giveMemory (bytes: number): void {
    this.#inSpans -= bytes
    this.releaseMemory(bytes)
  }

  beginSpan (): SpanScope {
    checkOpen(this)

    return new Span(this)
  }

  release (): void {
    if (!this.released) {
      this.#owner.giveMemory(this.#held)
      this.#onRelease()
    }

    this.#isReleased = true
  }
}

/**
 * @throws {ScopeStateError} when the scope has been released
 */
export function checkOpen (scope: { readonly name: string, readonly released: boolean }): void {
  if (scope.released) {
    throw new ScopeStateError(`"${scope.name}" has been released`)
  }
}

/**
 * @throws {InvalidOptionError} when it is not a number of bytes
 */
function checkBytes (bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InvalidOptionError('bytes', bytes, 'a whole number that is not negative')
  }
}
