import { multiaddr } from '@multiformats/multiaddr'
import { AdmissionPipeline, AllowList } from '../../src/admission/index.ts'
import { resourceManager } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Admission, AdmissionComponents, AdmissionLimits, AdmissionRefusal, EvictionCandidate } from '../../src/admission/index.ts'
import type { ConnectionScope, ResourceManager } from '../../src/resources/index.ts'

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
  onRefuse: () => {}
}

const ROOM = { connections: 1_000, connectionsInbound: 1_000, fileDescriptors: 1_000 }

/**
 * Refusals tell the address of the connection, and nothing is made of it here
 */
const ADDRESS = multiaddr(tcp('203.0.113.7'))

/**
 * A pipeline, and what there is around it
 */
export class Scene {
  readonly clock = new VirtualClock()
  readonly resources: ResourceManager = resourceManager({
    limits: { system: ROOM, transient: ROOM, allowListed: { ...ROOM, connections: 2 }, allowListedTransient: ROOM, peer: { connections: 2 } }
  })

  readonly open = new Set<Admission<ConnectionScope>>()
  readonly refusals: AdmissionRefusal[] = []
  readonly evicted: string[] = []
  candidates: EvictionCandidate[] = []
  readonly pipeline: AdmissionPipeline<ConnectionScope>

  constructor (limits: Partial<AdmissionLimits> = {}, components: Partial<AdmissionComponents<ConnectionScope>> = {}) {
    this.pipeline = new AdmissionPipeline({
      ...NOBODY_KNOWN,
      clock: this.clock,
      connectionCount: () => this.open.size,
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
   */
  try (address: string): string {
    return this.pipeline.admit(multiaddr(address)).refusal?.reason ?? 'admitted'
  }

  /**
   * A connection comes in that must not be refused
   */
  admit (address: string): Admission<ConnectionScope> {
    const { admission, refusal } = this.pipeline.admit(multiaddr(address))

    if (admission == null) {
      throw new Error(`refused: ${refusal.reason}`)
    }

    return admission
  }

  /**
   * A connection comes in and is upgraded
   */
  connect (address: string): Admission<ConnectionScope> {
    const admission = this.admit(address)
    this.pipeline.upgraded(admission)
    this.open.add(admission)

    return admission
  }

  /**
   * The peer of a connection is known
   */
  identify (admission: Admission<ConnectionScope>, peer: string, realm?: string): AdmissionRefusal | undefined {
    return this.pipeline.identify(admission, ADDRESS, peer, realm)
  }

  close (admission: Admission<ConnectionScope>): void {
    this.open.delete(admission)
    this.pipeline.release(admission)
  }

  /**
   * How many connections hold something
   */
  get held (): number {
    return [...this.pipeline['held']].length
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
