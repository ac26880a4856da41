import { StreamBufferError } from '@libp2p/interface'
import { DueQueue } from './due-queue.ts'
import type { Clock } from '../clock.ts'
import type { Logger, Stream } from '@libp2p/interface'

export interface StreamBuffersInit {
  /**
   * How many bytes a stream may hold that were not read or not sent
   */
  maxStreamBuffer: number

  /**
   * For how many ms it may hold more
   */
  streamBufferGracePeriod: number
}

/**
 * What is needed of a stream to see what it holds
 */
export type BufferedStream = Pick<Stream, 'protocol' | 'status' | 'readBufferLength' | 'writeBufferLength' | 'abort' | 'addEventListener'>

/**
 * Resets streams that hold too many bytes for too long: the application does not
 * read, or the remote does not
 */
export class StreamBuffers {
  readonly #init: StreamBuffersInit
  readonly #clock: Clock
  readonly #log: Logger
  readonly #due: DueQueue<BufferedStream>

  /**
   * Since when streams hold too much, in ms since the epoch
   */
  readonly #overSince = new WeakMap<BufferedStream, number>()

  constructor (init: StreamBuffersInit, clock: Clock, log: Logger) {
    this.#init = init
    this.#clock = clock
    this.#log = log
    this.#due = new DueQueue(clock, stream => { this.#check(stream) })
  }

  /**
   * A stream was opened
   */
  watch (stream: BufferedStream): void {
    if (this.#init.maxStreamBuffer === Infinity || (stream.status !== 'open' && stream.status !== 'closing')) {
      return
    }

    this.#schedule(stream)
    stream.addEventListener('close', () => { this.#due.cancel(stream) }, { once: true })
  }

  stop (): void {
    this.#due.clear()
  }

  #schedule (stream: BufferedStream): void {
    // twice in a period, so that one that is over for the whole of it is found soon
    // after its end
    this.#due.schedule(stream, this.#clock.now() + this.#init.streamBufferGracePeriod / 2)
  }

  #check (stream: BufferedStream): void {
    const bytes = stream.readBufferLength + stream.writeBufferLength

    if (bytes <= this.#init.maxStreamBuffer) {
      this.#overSince.delete(stream)
      this.#schedule(stream)
      return
    }

    const since = this.#overSince.get(stream) ?? this.#clock.now()
    this.#overSince.set(stream, since)

    if (this.#clock.now() - since < this.#init.streamBufferGracePeriod) {
      this.#schedule(stream)
      return
    }

    this.#log('resetting a stream of %s that holds %d bytes', stream.protocol, bytes)

    try {
      stream.abort(new StreamBufferError(`The stream held ${bytes} bytes for too long, ${this.#init.maxStreamBuffer} are allowed`))
    } catch (err) {
      this.#log.error('could not reset a stream - %e', err)
    }
  }
}
