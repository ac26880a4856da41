import { createSocket } from 'node:dgram'
import type { UDPSocket, UDPSocketOptions } from './types.ts'
import type { Socket } from 'node:dgram'

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
