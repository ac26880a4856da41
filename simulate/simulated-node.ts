import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { SeededRandom } from './seeded-random.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The first bytes of a sha2-256 multihash: its code and length
 */
const SHA2_256 = [0x12, 32]

/**
 * What is known of a node besides its address
 */
export interface NodeTraits {
  readonly isHonest: boolean

  /**
   * In ms
   */
  readonly rtt: number

  /**
   * What it becomes worth to the application. 0: it never does anything for it.
   */
  readonly value: number
}

/**
 * A node of the simulated network, at one IPv4 address
 */
export class SimulatedNode implements NodeTraits {
  readonly index: number
  readonly host: number
  readonly isHonest: boolean
  readonly rtt: number
  readonly value: number

  /**
   * Whether others can reach it now
   */
  isOnline = true

  private id?: PeerId
  private address?: Multiaddr

  /**
   * @param index - unique in its network
   * @param host - the IPv4 address as a number
   * @param traits - what else is known of it
   */
  constructor (index: number, host: number, traits: NodeTraits) {
    this.index = index
    this.host = host
    this.isHonest = traits.isHonest
    this.rtt = traits.rtt
    this.value = traits.value
  }

  /**
   * Its /16
   */
  get group (): number {
    return this.host >>> 16
  }

  get ip (): string {
    const { host } = this

    return `${host >>> 24}.${host >>> 16 & 255}.${host >>> 8 & 255}.${host & 255}`
  }

  /**
   * Made when it is asked for, as most nodes are never connected
   */
  get peerId (): PeerId {
    this.id ??= createPeerId(this.index)

    return this.id
  }

  get multiaddr (): Multiaddr {
    this.address ??= multiaddr(`/ip4/${this.ip}/tcp/4001`)

    return this.address
  }
}

/**
 * An id that nobody has the key of
 */
function createPeerId (index: number): PeerId {
  const random = new SeededRandom(index)
  const bytes = Uint8Array.from([...SHA2_256, ...Array.from({ length: 32 }, () => random.below(256))])

  return peerIdFromMultihash({ code: bytes[0], size: bytes[1], bytes, digest: bytes.subarray(2) })
}
