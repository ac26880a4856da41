import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { networkInterfaces } from 'node:os'
import { parseRoutesIPv4, parseRoutesIPv6 } from './route-table.ts'
import type { DefaultGateway, HTTPRequest, HTTPResponse, InterfaceAddress, Network, UDPSocket, UDPSocketOptions } from './network.ts'
import type { Socket } from 'node:dgram'

/**
 * The network of this machine. `undefined` where there are no sockets.
 */
export const systemNetwork: Network | undefined = { openUDP, request, defaultGateways, interfaceAddresses }

/**
 * Open a UDP socket. It does not keep the process alive.
 */
export async function openUDP (options: UDPSocketOptions): Promise<UDPSocket> {
  const { family, connectTo, localAddress, group, signal } = options
  signal?.throwIfAborted()
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', reuseAddr: group != null, ipv6Only: family === 6 })
  socket.unref()

  try {
    await until(socket, signal, done => { socket.bind({ port: group?.port ?? 0, address: group == null ? localAddress : undefined, exclusive: group == null }, done) })

    if (group != null) {
      socket.addMembership(group.address, localAddress)
    } else if (connectTo == null && localAddress != null && family === 4) {
      socket.setMulticastInterface(localAddress)
    }

    if (connectTo != null) {
      await until(socket, signal, done => { socket.connect(connectTo.port, connectTo.host, done) })
    }
  } catch (err) {
    socket.on('error', () => {})
    socket.close()
    throw err
  }

  return wrap(socket, connectTo != null)
}

function wrap (socket: Socket, isConnected: boolean): UDPSocket {
  let isOpen = true
  const wrapped: UDPSocket = {
    localAddress: socket.address().address.split('%')[0],

    send: (data, host, port) => {
      const sent = (err: Error | null): void => {
        if (err != null && isOpen) {
          wrapped.onError?.(err)
        }
      }

      if (!isOpen) {
        return
      }

      if (isConnected) {
        socket.send(data, sent)
      } else {
        socket.send(data, port, host, sent)
      }
    },

    close: () => {
      if (isOpen) {
        isOpen = false
        socket.close()
      }
    }
  }

  socket.on('error', err => {
    if (isOpen) {
      wrapped.onError?.(err)
    }
  })
  socket.on('message', (data, from) => {
    if (isOpen) {
      wrapped.onMessage?.({ data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address: from.address.split('%')[0], port: from.port })
    }
  })

  return wrapped
}

async function until (socket: Socket, signal: AbortSignal | undefined, run: (done: () => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cleanUp = (): void => {
      socket.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
    }
    const onError = (err: Error): void => {
      cleanUp()
      reject(err)
    }
    const onAbort = (): void => {
      cleanUp()
      // the owner closes the socket
      reject(signal?.reason)
    }

    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort)
    run(() => {
      cleanUp()
      resolve()
    })
  })
}

/**
 * Send an HTTP request over a connection of its own. Redirects are not
 * followed, and nothing longer than asked for is kept.
 */
export async function request (url: URL, options: HTTPRequest): Promise<HTTPResponse> {
  const { method, headers, body, localAddress, maxBytes, signal } = options

  return new Promise<HTTPResponse>((resolve, reject) => {
    const req = httpRequest(url, {
      method,
      agent: false,
      localAddress,
      signal,
      headers: {
        ...headers,
        connection: 'close',
        ...(body == null ? {} : { 'content-length': body.byteLength })
      }
    }, res => {
      const chunks: Uint8Array[] = []
      let length = 0
      const from = res.socket.localAddress?.replace(/^::ffff:/, '') ?? ''

      res.on('data', (chunk: Uint8Array) => {
        length += chunk.byteLength

        if (length > maxBytes) {
          req.destroy(new Error(`The answer of ${url.host} is longer than ${maxBytes} bytes`))
          return
        }

        chunks.push(chunk)
      })
      res.on('error', reject)
      res.on('aborted', () => { reject(new Error(`The answer of ${url.host} ended too early`)) })
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), localAddress: from })
      })
    })

    req.on('error', reject)
    // agents differ in whether they hand the socket out at once
    req.on('socket', socket => { socket.unref() })
    req.end(body)
  })
}

/**
 * The addresses of this machine
 */
export function interfaceAddresses (): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos]) => (infos ?? []).map(info => ({
    family: info.family === 'IPv4' ? 4 : 6,
    address: info.address,
    internal: info.internal,
    scope: info.family === 'IPv6' ? name : undefined
  })))
}

/**
 * The default gateways. Where the routing table cannot be read, the first
 * address of each network stands in: most home routers have it, and asking one
 * that is none costs a few packets.
 */
export async function defaultGateways (): Promise<DefaultGateway[]> {
  const [ipv4, ipv6] = await Promise.all([read('/proc/net/route'), read('/proc/net/ipv6_route')])

  if (ipv4 == null) {
    return guessGateways()
  }

  return [...parseRoutesIPv4(ipv4), ...parseRoutesIPv6(ipv6 ?? '')]
}

function guessGateways (): DefaultGateway[] {
  const networks = interfaceAddresses()
    .filter(({ family, internal }) => family === 4 && !internal)
    .map(({ address }) => address.split('.').slice(0, 3).join('.'))

  return [...new Set(networks)].map(network => ({ family: 4, address: `${network}.1` }))
}

async function read (path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
