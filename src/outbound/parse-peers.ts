import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { remotePeerOf } from '../dialing/index.ts'
import { InvalidOptionError } from '../errors.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * An address that ends with the id of its peer, or the id of a peer
 */
export type StaticPeerInput = string | Multiaddr | PeerId

/**
 * A peer, and an address of it if one was given
 */
export interface ParsedPeer {
  readonly peerId: PeerId
  readonly multiaddr?: Multiaddr
}

const EXPECTED_ADDRESS = 'an address that ends with the id of its peer (/p2p/…), or the id of a peer'

/**
 * @param input - what was given
 * @param option - how to call it in an error
 * @throws {InvalidOptionError} if it is neither an address with the id of a peer, nor
 * the id of a peer
 */
export function parseStaticPeer (input: unknown, option: string): ParsedPeer {
  const address = typeof input === 'string' && input.startsWith('/') ? parseAddress(input) : input

  if (!isMultiaddr(address)) {
    return { peerId: parsePeerId(address, option, input, EXPECTED_ADDRESS) }
  }

  // an address that ends with a relay is not one of a peer
  const peer = address.toString().endsWith('/p2p-circuit') ? undefined : remotePeerOf(address)
  const peerId = parsePeerId(peer, option, input, EXPECTED_ADDRESS)

  return address.getComponents().length === 1 ? { peerId } : { peerId, multiaddr: address }
}

/**
 * Returns `undefined` for what is no address
 */
export function parseAddress (text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}

/**
 * @param input - what was given
 * @param option - how to call it in an error
 * @throws {InvalidOptionError} if it is not the id of a peer
 */
export function parseTrustedPeer (input: unknown, option: string): PeerId {
  return parsePeerId(input, option, input, 'the id of a peer')
}

function parsePeerId (peer: unknown, option: string, input: unknown, expected: string): PeerId {
  try {
    if (isPeerId(peer)) {
      return peer
    }

    if (typeof peer === 'string') {
      return peerIdFromString(peer)
    }
  } catch {
    // said below
  }

  throw new InvalidOptionError(option, input, expected)
}
