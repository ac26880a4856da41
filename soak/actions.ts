import { setImmediate as nextTurn } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { linear } from '../src/index.ts'
import { limitActions } from './limit-actions.ts'
import { PROTOCOLS } from './nodes.ts'
import { vanishMidway } from './vanishing.ts'
import type { World } from './world.ts'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'

/**
 * Something that happens to the node. What is refused rejects, which is all right.
 */
export interface Action {
  readonly name: string

  /**
   * How often it happens, in relation to the others
   */
  readonly weight: number
  run(world: World): Promise<unknown> | unknown
}

/**
 * In ms: nothing that is asked for takes longer
 */
const PATIENCE = 1_500

const TAGS = ['blocks', 'mesh', 'relay'] as const
const REALMS = ['chain', 'other', 'third'] as const

function peer ({ remotes, random, running }: World): PeerId {
  // some that do not run
  const node = random.pick(remotes)?.node ?? random.pick(running)

  if (node == null) {
    throw new Error('Nobody is there')
  }

  return node.peerId
}

function node ({ random, running }: World): Libp2p {
  const found = random.pick(running)

  if (found == null) {
    throw new Error('Nobody is there')
  }

  return found
}

function connection ({ manager, random }: World): Connection {
  const found = random.pick(manager.getConnections())

  if (found == null) {
    throw new Error('Nothing is open')
  }

  return found
}

function soon (max = PATIENCE): AbortSignal {
  return AbortSignal.timeout(max)
}

const DIALS: Action[] = [
  { name: 'dial', weight: 12, run: async world => world.subject.dial(node(world).getMultiaddrs(), { signal: soon() }) },
  { name: 'dial by id', weight: 4, run: async world => world.subject.dial(peer(world), { signal: soon() }) },
  {
    name: 'dial twice at once',
    weight: 3,
    run: async world => {
      const target = node(world).getMultiaddrs()

      await Promise.allSettled([world.subject.dial(target, { signal: soon() }), world.subject.dial(target, { signal: soon(world.random.between(0, 20)) })])
    }
  },
  { name: 'dial by force', weight: 4, run: async world => world.subject.dial(node(world).getMultiaddrs(), { signal: soon(), force: true }) },
  { name: 'give up a dial', weight: 4, run: async world => world.subject.dial(node(world).getMultiaddrs(), { signal: soon(world.random.between(0, 30)) }) },
  { name: 'dial where nobody is', weight: 3, run: async world => world.subject.dial([multiaddr('/memory/nobody'), multiaddr('/ip4/127.0.0.1/tcp/1')], { signal: soon() }) },
  {
    name: 'dial from both ends',
    weight: 2,
    run: async world => {
      const other = node(world)

      await Promise.allSettled([world.subject.dial(other.getMultiaddrs(), { signal: soon() }), other.dial(own(world, other), { signal: soon() })])
    }
  },
  {
    name: 'is dialled',
    weight: 14,
    run: async world => {
      const other = node(world)

      await other.dial(own(world, other), { signal: soon() })
    }
  },
  {
    name: 'is dialled by force',
    weight: 4,
    run: async world => {
      const other = node(world)

      await other.dial(own(world, other), { signal: soon(), force: true })
    }
  },
  { name: 'peers vanish in the middle of a handshake', weight: 3, run: async world => vanishMidway(world) },
  { name: 'recycle', weight: 1, run: async world => world.manager.recycle(connection(world), 'soak') }
]

const CLOSINGS: Action[] = [
  { name: 'hang up', weight: 4, run: async world => world.manager.closeConnections(peer(world)) },
  { name: 'close', weight: 3, run: async world => connection(world).close({ signal: soon() }) },
  { name: 'abort', weight: 3, run: async world => abort(connection(world)) },
  { name: 'peer hangs up', weight: 5, run: async world => node(world).hangUp(world.subject.peerId, { signal: soon() }) },
  { name: 'peer aborts', weight: 4, run: async world => abort(world.random.pick(node(world).getConnections(world.subject.peerId))) },
  { name: 'trim', weight: 2, run: async world => world.manager.trim() },
  { name: 'trim some', weight: 2, run: async world => world.manager.trimConnections(world.random.between(0, 4)) },
  { name: 'trim for memory', weight: 1, run: async world => world.manager.trim({ emergency: true, includeProtected: world.random.chance(0.3) }) },
  { name: 'the network changes', weight: 1, run: world => { world.manager.networkChanged() } }
]

const STANDINGS: Action[] = [
  { name: 'tag', weight: 4, run: world => { world.manager.tag(peer(world), world.random.pick(TAGS) ?? TAGS[0], world.random.between(-50, 100)) } },
  { name: 'tag that decays', weight: 3, run: world => { world.manager.tag(peer(world), 'decaying', 10, { decay: linear(3), interval: 500 }) } },
  { name: 'untag', weight: 3, run: world => world.manager.untag(peer(world), world.random.pick(TAGS) ?? TAGS[0]) },
  { name: 'tag in the peer store', weight: 2, run: async world => world.subject.peerStore.merge(peer(world), { tags: { [world.random.pick(['stored', 'realm:other', 'keep-alive']) ?? '']: { value: 5, ttl: 1_000 } } }) },
  { name: 'protect', weight: 3, run: world => { world.manager.protect(peer(world), world.random.pick(TAGS) ?? TAGS[0]) } },
  { name: 'unprotect', weight: 5, run: world => world.manager.unprotect(peer(world), world.random.pick(TAGS) ?? TAGS[0]) },
  { name: 'assign to a realm', weight: 4, run: world => { world.manager.realms.assign(peer(world), world.random.pick(REALMS) ?? REALMS[0], { for: world.random.chance(0.5) ? 700 : undefined }) } },
  { name: 'take out of a realm', weight: 3, run: world => { world.manager.realms.unassign(peer(world)) } },
  { name: 'ban', weight: 3, run: async world => world.manager.bans.ban(peer(world), { for: world.random.between(50, 1_000), reason: 'soak' }) },
  { name: 'ban a network', weight: 1, run: async world => world.manager.bans.ban('127.0.0.0/8', { for: world.random.between(50, 400) }) },
  { name: 'unban', weight: 3, run: async world => world.manager.bans.unban(peer(world)) },
  { name: 'misbehave', weight: 2, run: async world => world.manager.reportMisbehaviour(peer(world), { transient: world.random.between(1, 80) }, 'soak') },
  { name: 'explain', weight: 2, run: async world => world.manager.explain(peer(world)) },
  { name: 'list decisions', weight: 1, run: world => world.manager.decisions({ peer: peer(world) }) },
  {
    name: 'pause and resume',
    weight: 1,
    run: world => {
      world.manager.outbound.pause()
      world.manager.outbound.resume()
    }
  }
]

const STREAMS: Action[] = [
  { name: 'open a stream', weight: 10, run: async world => open(world, connection(world)) },
  { name: 'open a stream by peer', weight: 4, run: async world => world.keepStream(await world.manager.openStream(node(world).getMultiaddrs(), PROTOCOLS[0], { signal: soon() })) },
  { name: 'give up a stream', weight: 3, run: async world => connection(world).newStream(PROTOCOLS[0], { signal: soon(world.random.between(0, 5)) }) },
  { name: 'open a stream that nobody speaks', weight: 2, run: async world => connection(world).newStream('/soak/unknown/1.0.0', { signal: soon() }) },
  {
    name: 'peer opens a stream',
    weight: 6,
    run: async world => {
      const other = world.random.pick(node(world).getConnections(world.subject.peerId))

      if (other != null) {
        await open(world, other)
      }
    }
  },
  { name: 'close a stream', weight: 8, run: async world => world.random.pick(world.streams)?.close({ signal: soon() }) },
  { name: 'abort a stream', weight: 5, run: world => { world.random.pick(world.streams)?.abort(new Error('The soak has aborted it')) } }
]

const RESTARTS: Action[] = [
  {
    name: 'a peer restarts',
    weight: 2,
    run: async ({ random, remotes }) => {
      const remote = random.pick(remotes)
      await remote?.stop()
      await remote?.start()
    }
  },
  { name: 'a peer leaves', weight: 1, run: async ({ random, remotes }) => random.pick(remotes)?.stop() },
  { name: 'a peer comes', weight: 2, run: async ({ random, remotes }) => random.pick(remotes.filter(({ node }) => node == null))?.start() }
]

/**
 * Everything that happens
 */
export const ACTIONS: readonly Action[] = [...DIALS, ...CLOSINGS, ...STANDINGS, ...STREAMS, ...limitActions, ...RESTARTS]

/**
 * The address of the node that the other one has a transport for
 */
function own ({ subject }: World, other: Libp2p): ReturnType<Libp2p['getMultiaddrs']> {
  const isMemory = (text: string): boolean => text.startsWith('/memory')
  const overMemory = other.getMultiaddrs().some(address => isMemory(`${address}`))

  return subject.getMultiaddrs().filter(address => isMemory(`${address}`) === overMemory)
}

/**
 * Not in the same turn in which a stream is opened: the first frame of a stream of yamux
 * is sent in a microtask, whose error nobody can catch when the connection is gone by
 * then
 */
async function abort (connection?: Connection): Promise<void> {
  await nextTurn()
  connection?.abort(new Error('The soak has aborted it'))
}

async function open (world: World, connection: Connection): Promise<void> {
  const protocol = world.random.pick(PROTOCOLS) ?? PROTOCOLS[0]
  const stream = await connection.newStream(protocol, { signal: soon() })
  world.keepStream(stream)

  if (world.random.chance(0.7)) {
    stream.send(new Uint8Array(world.random.between(1, 2_000)))
  }
}
