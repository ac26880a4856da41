import { Span } from './span.ts'
import type { MemoryPriority } from './memory-priority.ts'
import type { Scope } from './scope.ts'
import type { MemoryOwner } from './span.ts'

/**
 * Memory that is taken from scopes that connections and streams share
 */
class SharedMemory implements MemoryOwner {
  readonly released = false
  readonly #charged: Scope[]

  constructor (charged: Scope[]) {
    this.#charged = charged
  }

  get name (): string {
    return this.#charged[0].name
  }

  takeMemory (bytes: number, priority: MemoryPriority): void {
    for (const scope of this.#charged) {
      scope.requireMemory(bytes, priority)
    }

    this.giveMemory(-bytes)
  }

  giveMemory (bytes: number): void {
    for (const scope of this.#charged) {
      scope.addMemory(-bytes)
    }
  }
}

/**
 * A span of scopes that connections and streams share
 */
export class SharedSpan extends Span {
  readonly #onRelease: () => void

  constructor (charged: Scope[], onRelease: () => void) {
    super(new SharedMemory(charged))
    this.#onRelease = onRelease
  }

  override release (): void {
    const first = !this.released
    super.release()

    if (first) {
      this.#onRelease()
    }
  }
}
