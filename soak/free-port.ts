import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to whoever asks for any, so that nobody gets it while
 * the node is stopped
 */
const FIRST = 10_000
const LAST = 30_000

/**
 * A port of 127.0.0.1 that nobody listens on
 */
export async function freePort (): Promise<number> {
  for (let port = FIRST + Math.floor(Math.random() * (LAST - FIRST)); port <= LAST; port++) {
    if (await isFree(port)) {
      return port
    }
  }

  throw new Error(`Somebody listens on every port up to ${LAST}`)
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')

  try {
    await once(server, 'listening')
  } catch {
    return false
  }

  server.close()
  await once(server, 'close')

  return true
}
