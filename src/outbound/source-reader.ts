import { retryDelay } from './retry-delay.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Logger } from '@libp2p/interface'

/**
 * What gives candidates
 */
export interface CandidateSource {
  readonly name: string

  /**
   * It is opened again after so many ms at the earliest
   */
  readonly interval: number

  /**
   * So many items are taken each time
   */
  readonly limit: number

  /**
   * It belongs to the user, and goes on where it was left. It is never closed.
   */
  readonly isStream?: boolean

  open(options: { signal: AbortSignal }): Iterable<unknown> | AsyncIterable<unknown> | PromiseLike<Iterable<unknown> | AsyncIterable<unknown>>
}

/**
 * What came of asking a source
 *
 * - `item` there is a candidate
 * - `slow` there may be one later
 * - `done` there is none for now
 */
export type Reading = { readonly state: 'item', readonly item: unknown } | { readonly state: 'slow' | 'done' }

export interface SourceReaderComponents {
  clock: Clock
  random: Random
  log: Logger

  /**
   * A source that was slow has something now
   */
  onReady(): void
}

interface OpenSource {
  readonly controller: AbortController
  readonly iterator: Promise<Iterator<unknown> | AsyncIterator<unknown>>
  count: number

  /**
   * Since when it is being waited for
   */
  askedAt: number
  asking?: Promise<void>

  /**
   * A round waits for the answer right now
   */
  isAwaited: boolean
  answer?: IteratorResult<unknown>
  error?: unknown
}

/**
 * In ms: how long to wait for a source before the next is asked. Half of it after
 * each time that it was in vain (Geth).
 */
export const SOURCE_PATIENCE = 100

/**
 * In ms: a source that has given nothing for this long is closed
 */
export const SOURCE_TIMEOUT = 30_000

/**
 * How long a source that has failed is left alone
 */
const SOURCE_RETRY = { base: 10_000, max: 600_000, jitter: 0.2 }

/**
 * Reads one source of candidates. A source that is slow, hangs or throws costs
 * nothing but itself.
 */
export class SourceReader {
  readonly #source: CandidateSource
  readonly #components: SourceReaderComponents
  #opened?: OpenSource
  #opensAt = -Infinity
  #failures = 0

  /**
   * It was asked before it could be opened again
   */
  #isEarly = false
  #patience = SOURCE_PATIENCE

  constructor (source: CandidateSource, components: SourceReaderComponents) {
    this.#source = source
    this.#components = components
  }

  get name (): string {
    return this.#source.name
  }

  /**
   * After how many ms it can be asked again, if it was asked too early. Otherwise
   * `Infinity`.
   */
  get retryIn (): number {
    return this.#isEarly ? Math.max(0, this.#opensAt - this.#components.clock.now()) : Infinity
  }

  async read (signal: AbortSignal): Promise<Reading> {
    const opened = this.#opened ?? this.#open()

    if (opened == null) {
      return { state: 'done' }
    }

    if (opened.answer == null && opened.error == null) {
      opened.asking ??= this.#ask(opened)
      opened.isAwaited = true
      await this.#wait(opened.asking, signal)
      opened.isAwaited = false
    }

    return this.#take(opened)
  }

  /**
   * Nothing is needed of the source for now
   */
  release (): void {
    if (this.#source.isStream !== true) {
      this.#close()
    }
  }

  /**
   * It may be asked again at once from its beginning, as if it had not failed
   */
  retry (): void {
    this.release()
    this.#opensAt = -Infinity
    this.#isEarly = false
    this.#failures = 0
  }

  stop (): void {
    this.#close()
    this.retry()
  }

  #open (): OpenSource | undefined {
    const now = this.#components.clock.now()

    // a clock that was set back opens it as well
    this.#isEarly = now < this.#opensAt && now > this.#opensAt - SOURCE_RETRY.max - this.#source.interval

    if (this.#isEarly) {
      return
    }

    const controller = new AbortController()
    this.#opensAt = now + this.#source.interval
    this.#opened = {
      controller,
      count: 0,
      askedAt: now,
      isAwaited: false,
      iterator: iterate(this.#source, controller.signal)
    }

    return this.#opened
  }

  async #ask (opened: OpenSource): Promise<void> {
    opened.askedAt = this.#components.clock.now()

    try {
      const iterator = await opened.iterator
      opened.answer = await iterator.next()
    } catch (err) {
      opened.error = err ?? new Error('The source of candidates failed')
    }

    opened.asking = undefined

    if (this.#opened === opened && !opened.isAwaited) {
      this.#components.onReady()
    }
  }

  async #wait (asking: Promise<void>, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const onAbort = (): void => { resolve() }
    const timer = this.#components.clock.setTimeout(resolve, this.#patience)
    signal.addEventListener('abort', onAbort, { once: true })

    await Promise.race([asking, promise])

    timer.clear()
    signal.removeEventListener('abort', onAbort)
  }

  #take (opened: OpenSource): Reading {
    const { clock, log } = this.#components
    const { answer, error } = opened

    // closed while it was waited for
    if (this.#opened !== opened) {
      return { state: 'done' }
    }

    if (error != null) {
      log.error('the source %s of outbound failed - %e', this.name, error)
      this.#fail()

      return { state: 'done' }
    }

    if (answer == null) {
      this.#patience = Math.max(1, this.#patience / 2)

      if (clock.now() - opened.askedAt >= SOURCE_TIMEOUT && this.#source.isStream !== true) {
        log('the source %s has given nothing for %d ms', this.name, SOURCE_TIMEOUT)
        this.#fail()
      }

      return { state: 'slow' }
    }

    opened.answer = undefined

    if (answer.done === true) {
      this.#close()

      return { state: 'done' }
    }

    this.#failures = 0
    this.#patience = SOURCE_PATIENCE

    if (++opened.count >= this.#source.limit) {
      this.release()
    }

    return { state: 'item', item: answer.value }
  }

  #fail (): void {
    const { clock, random } = this.#components
    this.#close()
    this.#opensAt = clock.now() + retryDelay(++this.#failures, SOURCE_RETRY, random)
  }

  #close (): void {
    const opened = this.#opened
    this.#opened = undefined

    if (opened == null) {
      return
    }

    opened.controller.abort()

    if (this.#source.isStream !== true) {
      // a generator that hangs never returns, so it is not waited for
      closeIterator(opened.iterator)
        .catch(err => { this.#components.log.trace('the source %s did not close - %e', this.name, err) })
    }
  }
}

/**
 * Whatever opening throws is thrown where the first item is awaited
 */
async function iterate (source: CandidateSource, signal: AbortSignal): Promise<Iterator<unknown> | AsyncIterator<unknown>> {
  const items = await source.open({ signal })

  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}

async function closeIterator (opening: Promise<Iterator<unknown> | AsyncIterator<unknown>>): Promise<void> {
  const iterator = await opening
  await iterator.return?.()
}
