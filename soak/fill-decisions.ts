import { ConnectionLimitError } from '../src/index.ts'
import { PROTOCOLS } from './nodes.ts'
import type { World } from './world.ts'
import type { ConnectionManagerEvents } from '../src/wiring/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * So many of each kind are added at a time, until no more are kept
 */
const BATCH = 100

/**
 * In ms
 */
const PATIENCE = 5_000

/**
 * Fills the log of decisions with those that are not made every second. It would grow to
 * its bound for an hour otherwise, which no line through the heap can tell from a leak. They
 * give way to real ones of the same kind.
 */
export async function fillDecisions (world: World): Promise<void> {
  const connection = await connect(world)

  for (let before = 0, kept = 1; kept > before;) {
    before = world.manager.decisions().length

    for (let i = 0; i < BATCH; i++) {
      tellOf(world, connection)
    }

    kept = world.manager.decisions().length
  }

  await connection.close({ signal: AbortSignal.timeout(PATIENCE) })
}

async function connect ({ running: [first], subject }: World): Promise<Connection> {
  return subject.dial(first.getMultiaddrs(), { signal: AbortSignal.timeout(PATIENCE) })
}

/**
 * One decision of each of these kinds, about as large as they usually are
 */
function tellOf ({ manager }: World, connection: Connection): void {
  const { direction, remotePeer: peerId } = connection
  const peer = peerId.toString()
  const error = new ConnectionLimitError(`${PROTOCOLS[0]}.peer:${peer}`, 'connections', 1, 1, 1)
  const tell = <Type extends keyof ConnectionManagerEvents>(type: Type, detail: ConnectionManagerEvents[Type]['detail']): void => { manager.safeDispatchEvent(type, { detail }) }

  tell('connection:evict', { connection, peerId, realm: 'chain' })
  tell('connection:recycle', { connection, reason: 'soak' })
  tell('connection:trim', {
    reason: 'count',
    before: 1,
    wanted: 1,
    closed: [{ connection, peerId, value: 0.5, duplicate: false, streams: 0, direction, age: 0.5 }],
    kept: { protected: 0, inGrace: 0, allowListed: 0 },
    complete: true
  })
  tell('resource:refuse', { error, attempt: { kind: 'stream', direction, peer, protocol: PROTOCOLS[0] } })
  tell('realm:limit', { peer: peerId, realm: 'chain', error, kept: 1 })
  tell('peer:discourage', peerId)
  tell('peer:protect', { peerId, tag: 'blocks', isProtected: true })
  tell('peer:unprotect', { peerId, tag: 'blocks', isProtected: false })
  tell('watermark:cross', { watermark: 'high', direction: 'up', level: 1, connections: 1 })
}
