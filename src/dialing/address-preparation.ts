import { CODE_P2P, CODE_P2P_CIRCUIT } from '@multiformats/multiaddr'
import { addFailure } from './dial-failure.ts'
import { remotePeerOf } from './dial-target.ts'
import { dialTraits } from './dial-traits.ts'
import type { AddressRefusalReason, DialReport } from './dial-failure.ts'
import type { Address, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many addresses of one peer are looked at. The others are refused unseen.
 */
export const MAX_CONSIDERED_ADDRESSES = 1_000

/**
 * What {@link prepareAddresses} needs to know of the node and of the peer
 */
export interface AddressPreparation {
  /**
   * The peer that is dialled, if it is known
   */
  peerId?: PeerId

  /**
   * Ourselves
   */
  ownPeerId: PeerId

  /**
   * Where we listen
   */
  ownAddresses: readonly Multiaddr[]

  /**
   * Whether the user gave these very addresses, so that nothing is left out which the
   * system may know how to reach
   *
   * @default false
   */
  isAskedFor?: boolean

  /**
   * Whether there is a transport for the address
   */
  canDial(multiaddr: Multiaddr): boolean
}

/**
 * Take out what is not worth a dial, and report why. What is left is every address
 * once, with the peer id at its end if that is known. The time it takes is bounded
 * however many addresses there are; certified ones are looked at first.
 */
export function prepareAddresses (addresses: readonly Address[], preparation: AddressPreparation, report: DialReport): Address[] {
  const candidates: Address[] = []
  const ownAddresses = new Set(preparation.ownAddresses.filter(isDirect).map(withoutPeer))

  for (const address of consider(addresses, preparation.peerId, report)) {
    const reason = refusalReason(address.multiaddr, ownAddresses, preparation)

    if (reason == null) {
      candidates.push(address)
    } else {
      addFailure(report, { multiaddr: address.multiaddr, reason })
    }
  }

  return candidates
}

/**
 * The addresses to look at, certified ones first, every one once. An address
 * that is known twice is certified if either is.
 */
function consider (addresses: readonly Address[], peerId: PeerId | undefined, report: DialReport): Iterable<Address> {
  const unique = new Map<string, Address>()
  const certifiedFirst = [...addresses].sort((a, b) => Number(b.isCertified) - Number(a.isCertified))

  for (const { multiaddr } of certifiedFirst.slice(MAX_CONSIDERED_ADDRESSES)) {
    addFailure(report, { multiaddr, reason: 'too-many' })
  }

  for (const address of certifiedFirst.slice(0, MAX_CONSIDERED_ADDRESSES)) {
    const { multiaddr, isCertified } = withPeer(address, peerId)
    const key = multiaddr.toString()

    if (!unique.has(key)) {
      unique.set(key, { multiaddr, isCertified })
    }
  }

  return unique.values()
}

function refusalReason (multiaddr: Multiaddr, ownAddresses: Set<string>, preparation: AddressPreparation): AddressRefusalReason | undefined {
  const { peerId, ownPeerId, canDial, isAskedFor } = preparation
  const remotePeer = remotePeerOf(multiaddr)

  if (peerId != null && remotePeer !== peerId.toString()) {
    return 'wrong-peer'
  }

  if (remotePeer === ownPeerId.toString() || (isDirect(multiaddr) && ownAddresses.has(withoutPeer(multiaddr)))) {
    return 'self'
  }

  // whoever writes such an address down for us to dial means a node on this host or link
  if (isAskedFor !== true) {
    const { isUnspecified, isLinkLocal } = dialTraits(multiaddr)

    if (isUnspecified) {
      return 'unspecified'
    }

    if (isLinkLocal) {
      return 'link-local'
    }
  }

  return canDial(multiaddr) ? undefined : 'no-transport'
}

function withPeer (address: Address, peerId?: PeerId): Address {
  if (peerId == null || address.multiaddr.getComponents().at(-1)?.code === CODE_P2P) {
    return address
  }

  return { ...address, multiaddr: address.multiaddr.encapsulate(`/p2p/${peerId.toString()}`) }
}

/**
 * A relayed address at which we listen is the beginning of the addresses of all
 * other peers at the same relay
 */
function isDirect (multiaddr: Multiaddr): boolean {
  return multiaddr.getComponents().every(({ code }) => code !== CODE_P2P_CIRCUIT)
}

function withoutPeer (multiaddr: Multiaddr): string {
  return multiaddr.decapsulateCode(CODE_P2P).toString()
}
