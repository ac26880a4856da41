import { multiaddr } from '@multiformats/multiaddr'
import { AdmissionPipeline, AllowList } from '../../src/admission/index.ts'
import { ConnectionEntry } from '../../src/core/index.ts'
import { resourceManager } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { AdmissionComponents, AdmissionLimits, AdmissionRefusal, EvictionCandidate } from '../../src/admission/index.ts'
import type { ResourceManager } from '../../src/resources/index.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

export const PEER = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'
export const OTHER_PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

export const UNLIMITED: AdmissionLimits = { maxConnections: Infinity, maxPending: Infinity, pending: {}, subnets: {}, rates: {} }

/**
 * Nobody is banned, listed, connected or too fast
 */
export const NOBODY_KNOWN: Omit<AdmissionComponents, 'clock' | 'connectionCount' | 'evictionCandidates' | 'evict' | 'resources'> = {
  bans: { ofIp: () => undefined, ofPeer: () => undefined },
  discouraged: { hasIp: () => false, hasPeer: () => false },
  deny: { has: () => false },
  allowList: new AllowList(),
  hostRate: { take: () => undefined },
  self: '',
  random: { next: () => 0.5 },
  dialBacks: { has: () => false, take: () => {} },
  isTrusted: () => false,
  realms: { makeRoomFor: () => {} },
  entries: () => [],
  onRefuse: () => {},
  giveBack: () => {}
}

const ROOM = { connections: 1_000, connectionsInbound: 1_000, fileDescriptors: 1_000 }

/**
 * A pipeline, and what there is around it
 */
export class Scene {
  readonly clock = new VirtualClock()
  readonly resources: ResourceManager = resourceManager({
    limits: { system: ROOM, transient: ROOM, allowListed: { ...ROOM, connections: 2 }, allowListedTransient: ROOM, peer: { connections: 2 } }
  })

  readonly open = new Set<ConnectionEntry>()

  /**
   * Every connection that has come in
   */
  readonly all = new Set<ConnectionEntry>()
  readonly refusals: AdmissionRefusal[] = []
  readonly evicted: string[] = []
  candidates: EvictionCandidate[] = []
  readonly pipeline: AdmissionPipeline

  constructor (limits: Partial<AdmissionLimits> = {}, components: Partial<AdmissionComponents> = {}) {
    this.pipeline = new AdmissionPipeline({
      ...NOBODY_KNOWN,
      clock: this.clock,
      connectionCount: () => this.open.size,
      entries: () => this.all,
      giveBack: entry => { entry.giveBack(err => { throw err }) },
      evictionCandidates: () => this.candidates,
      evict: victim => { this.evicted.push(victim.id) },
      resources: this.resources,
      onRefuse: ({ remoteAddr, peer, ...refusal }) => { this.refusals.push(refusal) },
      ...components
    }, { ...UNLIMITED, ...limits }, [1, 2])
    this.pipeline.start()
  }

  /**
   * A connection comes in. Returns what it was refused for, or `admitted`.
   *
   * @param address - where it comes from
   * @param onAbort - called if it has to give way to others
   */
  try (address: string, onAbort?: () => void): string {
    const entry = new ConnectionEntry('accepted', multiaddr(address), false)
    entry.socket = onAbort == null ? undefined : abortable(onAbort)
    const reason = this.pipeline.admit(entry)?.reason

    if (reason == null) {
      this.all.add(entry)
    }

    return reason ?? 'admitted'
  }

  /**
   * A connection comes in that must not be refused
   */
  admit (address: string): ConnectionEntry {
    const result = this.try(address)
    const entry = [...this.all].at(-1)

    if (entry == null || result !== 'admitted') {
      throw new Error(`refused: ${result}`)
    }

    return entry
  }

  /**
   * A connection comes in and is upgraded
   */
  connect (address: string): ConnectionEntry {
    const entry = this.admit(address)
    this.upgrade(entry)

    return entry
  }

  /**
   * A connection is open
   */
  upgrade (entry: ConnectionEntry): void {
    this.pipeline.upgraded(entry)
    entry.phase = 'open'
    this.open.add(entry)
  }

  /**
   * A connection is open that was not asked about
   */
  account (address: string): ConnectionEntry {
    const entry = new ConnectionEntry('open', multiaddr(address), false)
    this.pipeline.account(entry)
    this.all.add(entry)

    return entry
  }

  /**
   * The peer of a connection is known
   */
  identify (entry: ConnectionEntry, peer: string, realm?: string): AdmissionRefusal | undefined {
    return this.pipeline.identify(entry, peer, realm)
  }

  close (entry: ConnectionEntry): void {
    this.open.delete(entry)
    entry.phase = 'closed'
    entry.giveBack(err => { throw err })
  }

  /**
   * How many connections hold something
   */
  get held (): number {
    return [...this.all].filter(({ scope }) => scope?.released === false).length
  }

  /**
   * What the resource manager counts
   */
  get reserved (): number {
    const { system, allowListed } = this.resources.stat()

    return (system.usage.connectionsInbound ?? 0) + (allowListed.usage.connectionsInbound ?? 0)
  }
}

export function tcp (ip: string): string {
  return `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/4001`
}

export function candidate (id: number): EvictionCandidate {
  return { id: String(id), group: 'one', rtt: Infinity, lastUseful: 0, value: 0, opened: id, transport: 'tcp', isDiscouraged: false }
}

/**
 * A socket of which nothing but its end matters
 */
function abortable (onAbort: () => void): MultiaddrConnection {
  return { abort: onAbort } as unknown as MultiaddrConnection
}
