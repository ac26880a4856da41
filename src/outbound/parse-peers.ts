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
const EXPECTED_ID = 'the id of a peer'

/**
 * @param input - what was given
 * @param option - how to call it in an error
 * @throws {InvalidOptionError} if it is neither an address with the id of a peer, nor
 * the id of a peer
 */
export function parseStaticPeer (input: unknown, option: string): ParsedPeer {
  try {
    if (isPeerId(input)) {
      return { peerId: input }
    }

    if (typeof input === 'string' && !input.startsWith('/')) {
      return { peerId: peerIdFromString(input) }
    }

    const address = typeof input === 'string' ? multiaddr(input) : input

    // an address that ends with a relay is not one of a peer
    if (isMultiaddr(address) && !address.toString().endsWith('/p2p-circuit')) {
      const peer = remotePeerOf(address)

      if (peer != null) {
        const peerId = peerIdFromString(peer)

        return address.getComponents().length === 1 ? { peerId } : { peerId, multiaddr: address }
      }
    }
  } catch {
    // said below
  }

  throw new InvalidOptionError(option, input, EXPECTED_ADDRESS)
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
  try {
    if (isPeerId(input)) {
      return input
    }

    if (typeof input === 'string') {
      return peerIdFromString(input)
    }
  } catch {
    // said below
  }

  throw new InvalidOptionError(option, input, EXPECTED_ID)
}
