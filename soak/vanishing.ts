import { connect } from 'node:net'
import { resetSocket } from '../test/fixtures/reset-socket.ts'
import type { World } from './world.ts'

/**
 * What a dialer says first: the version of multistream, and the encryption
 */
const HELLO = new TextEncoder().encode('\x13/multistream/1.0.0\n\x07/noise\n')

const COUNT = 3

/**
 * TCP connections that say the beginning of a handshake and are gone, some of them
 * politely
 */
export async function vanishMidway ({ random, subject }: World): Promise<void> {
  const address = subject.getMultiaddrs().find(multiaddr => `${multiaddr}`.includes('/tcp/'))
  const port = Number(address?.getComponents().find(({ name }) => name === 'tcp')?.value)

  await Promise.all(Array.from({ length: COUNT }, async () => vanish(port, random.between(0, HELLO.length), random.chance(0.5))))
}

async function vanish (port: number, bytes: number, politely: boolean): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })

  await new Promise<void>(resolve => {
    socket.on('error', () => {})
    socket.once('close', () => { resolve() })
    socket.resume()
    socket.once('connect', () => {
      socket.write(HELLO.subarray(0, bytes), () => {
        if (politely) {
          socket.end()
        } else {
          resetSocket(socket)
        }
      })
    })
  })
}
