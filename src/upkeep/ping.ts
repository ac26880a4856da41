import { ProtocolError } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { hasErrorName, toError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * libp2p's ping protocol
 */
export const PING_PROTOCOL = pingProtocol('ipfs')

const PING_LENGTH = 32

/**
 * The ping protocol of a network that has a prefix of its own
 */
export function pingProtocol (prefix: string): string {
  return `/${prefix}/ping/1.0.0`
}

/**
 * Asks the remote for a sign of life. Resolves to the round trip time in ms.
 *
 * A remote that does not know the protocol is as alive as any: it has answered
 * twice while the protocol was negotiated.
 *
 * @throws {ProtocolError} if the answer is another one than it should be
 */
export async function pingConnection (connection: Connection, clock: Clock, signal: AbortSignal, protocol = PING_PROTOCOL): Promise<number> {
  const negotiationStart = clock.now()
  let stream: Stream | undefined

  try {
    stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true })
    const bytes = byteStream(stream)
    const request = crypto.getRandomValues(new Uint8Array(PING_LENGTH))
    const start = clock.now()

    const [response] = await Promise.all([
      bytes.read({ bytes: PING_LENGTH, signal }),
      bytes.write(request, { signal })
    ])

    const rtt = clock.now() - start

    if (!request.every((byte, index) => byte === response.get(index))) {
      throw new ProtocolError('The answer to a ping was not the same as the ping')
    }

    // the remote has answered, whatever becomes of the stream now
    await stream.close({ signal }).catch(err => { stream?.abort(toError(err)) })

    return rtt
  } catch (err) {
    stream?.abort(toError(err))

    if (hasErrorName(err, 'UnsupportedProtocolError')) {
      return (clock.now() - negotiationStart) / 2
    }

    throw err
  }
}
