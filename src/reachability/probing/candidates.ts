import { isPublicIp, socketAddressOf } from '../../addresses/index.ts'
import { newAddressState } from './address-state.ts'
import type { AddressEvent, AddressState } from './address-state.ts'
import type { SocketAddress } from '../../addresses/index.ts'
import type { AddressReachabilityChange } from '../events.ts'
import type { AddressType, NodeAddress } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Where an address comes from: a gateway was asked to forward it, the machine
 * has it itself, or somebody saw it and nobody knows why it should work
 */
export type AddressOrigin = 'mapped' | 'direct' | 'forwarded'

/**
 * Everything that can be dialled through one socket: verified once, for all
 * addresses that lead there
 */
export interface Candidate {
  key: string
  socket: SocketAddress

  /**
   * The shortest one is the one that servers dial
   */
  multiaddrs: Multiaddr[]
  type: AddressType
  origin: AddressOrigin
  state: AddressState

  /**
   * Servers that shall not be asked for this one again before then, in ms
   */
  skipped: Map<string, number>
}

/**
 * What tells candidates apart
 */
export function socketKey ({ protocol, host, port }: SocketAddress): string {
  return `${protocol}:${host}:${port}`
}

/**
 * The candidates among the addresses of a node, with what is known about them
 * already. Those that nobody could dial anyway are left out, and too many
 * observed ones.
 */
export function listCandidates (addresses: NodeAddress[], known: Map<string, Candidate>, originOf: (socket: SocketAddress, type: AddressType) => AddressOrigin, max: number, now: number, delay: number): Map<string, Candidate> {
  const groups = new Map<string, Candidate>()

  for (const { multiaddr, type } of addresses) {
    const socket = socketAddressOf(multiaddr)

    if (type === 'announce' || socket == null || !isPublicIp(socket.host)) {
      continue
    }

    const key = socketKey(socket)
    const group = groups.get(key)

    if (group != null) {
      group.multiaddrs.push(multiaddr)
      continue
    }

    const origin = originOf(socket, type)
    const previous = known.get(key)
    const isSame = previous != null && previous.origin === origin

    groups.set(key, {
      key,
      socket,
      multiaddrs: [multiaddr],
      type,
      origin,
      // a port that a gateway was just asked to forward is expected to work
      state: isSame ? previous.state : newAddressState(origin === 'mapped' ? now : now + delay),
      skipped: isSame ? previous.skipped : new Map()
    })
  }

  for (const group of groups.values()) {
    group.multiaddrs.sort((a, b) => a.bytes.byteLength - b.bytes.byteLength)
  }

  const best = [...groups.values()].sort((a, b) => rank(a) - rank(b)).slice(0, max)

  return new Map(best.map(candidate => [candidate.key, candidate]))
}

/**
 * What listeners are told about a candidate
 */
export function detailOf ({ multiaddrs, type, state }: Candidate): AddressReachabilityChange {
  const success = state.votes.filter(vote => vote.success).length

  return { addr: multiaddrs[0], type, success, failure: state.votes.length - success }
}

/**
 * The votes of a round that just ended
 */
export function withVote ({ state }: Candidate, event: AddressEvent): Candidate['state'] {
  return event.type === 'voted' ? { ...state, votes: [...state.votes.filter(({ group }) => group !== event.group), { group: event.group, success: event.success, at: 0 }] } : state
}

function rank ({ origin, type }: Candidate): number {
  if (origin !== 'forwarded') {
    return 0
  }

  return type === 'observed' ? 2 : 1
}
