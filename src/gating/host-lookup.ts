import { subscribe } from 'node:diagnostics_channel'
import { lookup } from 'node:dns/promises'
import { Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * Looks up the IP addresses of a name
 *
 * @throws {Error} if the name has none, or nobody says so
 */
export interface LookUpHost {
  (name: string): Promise<readonly string[]>
}

/**
 * As sockets look it up: with the files and the resolver of the system. `undefined` where
 * a name can not be looked up.
 */
export const lookUpHost: LookUpHost | undefined = async name => {
  const found = await lookup(name, { all: true })

  return found.map(({ address }) => address)
}

/**
 * What transports keep in their connections
 */
type Underlying = Pick<MultiaddrConnection, 'remoteAddr'> & { readonly socket?: unknown, readonly websocket?: unknown }

/**
 * The remote IP address of the socket that each WebSocket has. Nothing else leads from one
 * to the other.
 */
const websocketIps = new WeakMap<object, string>()

let isWatching = false

/**
 * The IP address at the other end of the socket of a connection, as text. `undefined` if
 * the transport does not give access to its socket.
 */
export function socketIp (maConn: Pick<MultiaddrConnection, 'remoteAddr'>): string | undefined {
  const { socket, websocket }: Underlying = maConn

  if (socket instanceof Socket) {
    return socket.remoteAddress
  }

  return isObject(websocket) ? websocketIps.get(websocket) : undefined
}

/**
 * From now on, {@link socketIp} is known of the WebSockets that this process opens
 */
export function watchWebSockets (): void {
  if (isWatching) {
    return
  }

  isWatching = true

  // of the open sockets, by their local addresses
  const remoteIps = new Map<string, string>()

  subscribe('undici:client:connected', message => {
    if (!isObject(message) || !('socket' in message) || !(message.socket instanceof Socket)) {
      return
    }

    const { socket } = message
    const local = endpoint(socket.address())

    if (local != null && socket.remoteAddress != null) {
      remoteIps.set(local, socket.remoteAddress)
      socket.once('close', () => { remoteIps.delete(local) })
    }
  })

  subscribe('undici:websocket:open', message => {
    if (!isObject(message) || !('websocket' in message) || !('address' in message) || !isObject(message.websocket)) {
      return
    }

    const remoteIp = remoteIps.get(endpoint(message.address) ?? '')

    if (remoteIp != null) {
      websocketIps.set(message.websocket, remoteIp)
    }
  })
}

function endpoint (address: unknown): string | undefined {
  return isObject(address) && 'address' in address && 'port' in address ? `${String(address.address)} ${String(address.port)}` : undefined
}

function isObject (value: unknown): value is object {
  return typeof value === 'object' && value != null
}
