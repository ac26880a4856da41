import type { StreamRateLimits, SubnetLimits } from './limits.ts'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/**
 * What {@link LimitFigures} are, in this order
 */
export const FIGURES = ['connectionsInbound', 'connectionsOutbound', 'connections', 'streamsInbound', 'streamsOutbound', 'streams', 'memory'] as const

/**
 * Limits as whole numbers: connections as inbound, outbound, and both together, streams
 * in the same way, and bytes of memory
 */
export type LimitFigures = readonly [number, number, number, number, number, number, number]

/**
 * The limits of a scope, and how they grow with the machine
 */
export interface ScopeScaling {
  /**
   * On the smallest machine
   */
  readonly base: LimitFigures

  /**
   * How much is added per GiB of memory
   */
  readonly perGiB: LimitFigures

  /**
   * At least this many file descriptors
   */
  readonly fileDescriptors: number

  /**
   * This share of those that the process may open
   */
  readonly fileDescriptorShare: number
}

const NOTHING: LimitFigures = [0, 0, 0, 0, 0, 0, 0]

function scaling (base: LimitFigures, perGiB = NOTHING, fileDescriptors = 0, fileDescriptorShare = 0): ScopeScaling {
  return { base, perGiB, fileDescriptors, fileDescriptorShare }
}

/**
 * The figures of a scope that has no connections of its own
 */
function streams (inbound: number, outbound: number, both: number, memory: number): LimitFigures {
  return [0, 0, 0, inbound, outbound, both, memory]
}

const SYSTEM = scaling([64, 128, 128, 1024, 2048, 2048, 128 * MiB], [64, 128, 128, 1024, 2048, 2048, GiB], 256, 1)
const TRANSIENT = scaling([32, 64, 64, 128, 256, 256, 32 * MiB], [16, 32, 32, 128, 256, 256, 128 * MiB], 64, 0.25)

/**
 * The limits of the kinds of scopes, which are go-libp2p's defaults
 */
export const DEFAULT_SCALING = {
  system: SYSTEM,
  transient: TRANSIENT,
  allowListed: SYSTEM,
  allowListedTransient: TRANSIENT,
  service: scaling(streams(1024, 4096, 4096, 64 * MiB), streams(512, 2048, 2048, 128 * MiB)),
  servicePeer: scaling(streams(128, 256, 256, 16 * MiB), streams(4, 8, 8, 4 * MiB)),
  protocol: scaling(streams(512, 2048, 2048, 64 * MiB), streams(256, 512, 512, 164 * MiB)),
  // go-libp2p adds 4 bytes per GiB here, not 4 MiB. It is kept so that nodes with
  // the same limit file have the same limits.
  protocolPeer: scaling(streams(64, 128, 256, 16 * MiB), streams(4, 8, 16, 4)),
  peer: scaling([8, 8, 8, 256, 512, 512, 64 * MiB], streams(128, 256, 256, 128 * MiB), 4, 1 / 64),
  connection: scaling([1, 1, 1, 0, 0, 0, 32 * MiB], NOTHING, 1),
  stream: scaling(streams(1, 1, 1, 16 * MiB))
} as const

/**
 * A protocol or service with limits of its own
 */
export interface NamedScaling {
  readonly name: string
  readonly all: ScopeScaling

  /**
   * For one peer
   */
  readonly perPeer: ScopeScaling
}

// go-libp2p's limit for the memory of one peer's streams of a small protocol:
// 32 streams with a full yamux window and a message each
const STREAM_WINDOWS = 32 * (256 * MiB + 16 * KiB)

function doubling (figures: LimitFigures): ScopeScaling {
  return scaling(figures, figures)
}

const IDENTIFY = doubling(streams(64, 64, 128, 4 * MiB))
const IDENTIFY_PEER = scaling(streams(16, 16, 32, STREAM_WINDOWS))
const PING = doubling(streams(64, 64, 64, 4 * MiB))
const PING_PEER = scaling(streams(2, 3, 4, STREAM_WINDOWS))
const AUTONAT = scaling(streams(64, 64, 64, 4 * MiB), streams(4, 4, 4, 2 * MiB))
const HOLE_PUNCH = scaling(streams(32, 32, 64, 4 * MiB), streams(8, 8, 16, 4 * MiB))
const CIRCUIT = doubling(streams(640, 640, 640, 16 * MiB))
const CIRCUIT_PEER = scaling(streams(128, 128, 128, 32 * MiB))
const TWO = scaling(streams(2, 2, 2, MiB))

/**
 * The services that have limits of their own in go-libp2p
 */
export const SERVICE_SCALING: readonly NamedScaling[] = [
  { name: 'libp2p.identify', all: IDENTIFY, perPeer: scaling(streams(16, 16, 32, MiB)) },
  { name: 'libp2p.ping', all: PING, perPeer: PING_PEER },
  { name: 'libp2p.autonat', all: AUTONAT, perPeer: TWO },
  { name: 'libp2p.holepunch', all: HOLE_PUNCH, perPeer: TWO },
  { name: 'libp2p.relay/v2', all: doubling(streams(256, 256, 256, 16 * MiB)), perPeer: scaling(streams(64, 64, 64, MiB)) }
]

/**
 * The protocols that have limits of their own in go-libp2p, and the services whose they
 * are
 */
export const PROTOCOL_SCALING: ReadonlyArray<NamedScaling & { readonly service: string }> = [
  { name: '/ipfs/id/1.0.0', service: 'libp2p.identify', all: IDENTIFY, perPeer: IDENTIFY_PEER },
  { name: '/ipfs/id/push/1.0.0', service: 'libp2p.identify', all: IDENTIFY, perPeer: IDENTIFY_PEER },
  { name: '/ipfs/ping/1.0.0', service: 'libp2p.ping', all: PING, perPeer: PING_PEER },
  { name: '/libp2p/autonat/1.0.0', service: 'libp2p.autonat', all: AUTONAT, perPeer: TWO },
  { name: '/libp2p/dcutr', service: 'libp2p.holepunch', all: HOLE_PUNCH, perPeer: TWO },
  { name: '/libp2p/circuit/relay/0.2.0/hop', service: 'libp2p.relay/v2', all: CIRCUIT, perPeer: CIRCUIT_PEER },
  { name: '/libp2p/circuit/relay/0.2.0/stop', service: 'libp2p.relay/v2', all: CIRCUIT, perPeer: CIRCUIT_PEER }
]

/**
 * The rates of new streams, our own choice, as go-libp2p has none. Protocols that open a
 * stream for every message stay far below it: a peer of the DHT asks a node a few times
 * in a second, and blocks are sent several at once.
 */
export function defaultStreamRates (): StreamRateLimits {
  return { peer: { perSecond: 1000, burst: 2000 }, protocolPeer: { perSecond: 200, burst: 400 } }
}

/**
 * The networks that are not public: peers in them are not strangers who share an
 * address, so they are exempt from the limits by address. Loopback (RFC 1122),
 * private (RFC 1918), shared (RFC 6598), link-local (RFC 3927 and RFC 4291) and
 * unique local addresses (RFC 4193).
 */
export const EXEMPT_NETWORKS: readonly string[] = [
  '127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16',
  '::1/128', 'fe80::/10', 'fc00::/7'
]

/**
 * The limits by address: go-libp2p's defaults, and no limit for networks that are
 * not public
 */
export function defaultSubnetLimits (): Required<SubnetLimits> {
  return {
    ipv4: [{ prefix: 32, connections: 8 }],
    ipv6: [{ prefix: 56, connections: 8 }, { prefix: 48, connections: 64 }],
    networks: EXEMPT_NETWORKS.map(cidr => ({ cidr, connections: 'unlimited' })),
    rates: {
      ipv4: [{ prefix: 32, perSecond: 0.2, burst: 16 }],
      ipv6: [{ prefix: 56, perSecond: 0.2, burst: 16 }, { prefix: 48, perSecond: 0.5, burst: 80 }],
      networks: EXEMPT_NETWORKS.map(cidr => ({ cidr, perSecond: 'unlimited', burst: 0 }))
    }
  }
}
