import type { IncomingMessage } from 'node:http'

/**
 * The body is longer than it may be
 */
export class BodyTooLargeError extends Error {
  static name = 'BodyTooLargeError'

  constructor (max: number) {
    super(`The body of a request has at most ${max} bytes`)
    this.name = 'BodyTooLargeError'
  }
}

/**
 * Reads no more than `max` bytes
 *
 * @throws {BodyTooLargeError} if there are more
 */
export async function readBody (request: IncomingMessage, max: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0

  if (Number(request.headers['content-length'] ?? 0) > max) {
    throw new BodyTooLargeError(max)
  }

  for await (const chunk of request) {
    length += chunk.length

    if (length > max) {
      throw new BodyTooLargeError(max)
    }

    chunks.push(chunk)
  }

  return Buffer.concat(chunks).toString('utf-8')
}
