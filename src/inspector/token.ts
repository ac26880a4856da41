import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether an `Authorization` header carries the token. Takes the same time whatever
 * was sent.
 */
export function hasToken (authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer (.{1,1024})$/.exec(authorization ?? '') ?? []

  return timingSafeEqual(digest(given), digest(token))
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
