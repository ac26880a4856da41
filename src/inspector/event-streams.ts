import type { ServerResponse } from 'node:http'

export interface EventStreamsInit {
  /**
   * How many streams there may be
   */
  maxStreams: number

  /**
   * A stream that has more than this many bytes to catch up with is ended, as who is
   * behind it does not read
   *
   * @default 4_194_304
   */
  maxBacklog?: number
}

/**
 * A server-sent event
 */
export interface StreamMessage {
  readonly type: string
  readonly data: unknown
}

const MAX_BACKLOG = 4 * 1024 * 1024

/**
 * The open pages, which are told what changes as server-sent events (WHATWG HTML
 * section 9.2)
 */
export class EventStreams {
  readonly #maxStreams: number
  readonly #maxBacklog: number
  readonly #responses = new Set<ServerResponse>()

  constructor ({ maxStreams, maxBacklog = MAX_BACKLOG }: EventStreamsInit) {
    this.#maxStreams = maxStreams
    this.#maxBacklog = maxBacklog
  }

  get size (): number {
    return this.#responses.size
  }

  get isFull (): boolean {
    return this.#responses.size >= this.#maxStreams
  }

  /**
   * Answer a request with a stream. The messages are what a new page has to know.
   */
  open (response: ServerResponse, messages: readonly StreamMessage[]): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    this.#responses.add(response)
    response.once('close', () => { this.#responses.delete(response) })
    this.#write(response, messages.map(format).join(''))
  }

  broadcast (messages: readonly StreamMessage[]): void {
    if (this.#responses.size === 0 || messages.length === 0) {
      return
    }

    const text = messages.map(format).join('')

    for (const response of this.#responses) {
      this.#write(response, text)
    }
  }

  closeAll (): void {
    for (const response of this.#responses) {
      response.end()
    }

    this.#responses.clear()
  }

  #write (response: ServerResponse, text: string): void {
    if (response.writableLength > this.#maxBacklog) {
      this.#responses.delete(response)
      response.destroy()
      return
    }

    response.write(text)
  }
}

/**
 * JSON contains no line breaks, so one line of data is enough
 */
function format ({ type, data }: StreamMessage): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
