import { dialTraits } from './dial-traits.ts'
import type { DialTraits } from './dial-traits.ts'
import type { Address, AddressSorter } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * An address and when to dial it
 */
export interface RankedAddress {
  address: Address

  /**
   * How long after the start of the dial, in ms, unless all that were started
   * before have failed
   */
  delay: number
}

/**
 * Decides in which order and at what distance the addresses of a peer are
 * dialled. Addresses that it leaves out are not dialled.
 */
export interface DialRanker {
  (addresses: Address[]): RankedAddress[]
}

/**
 * How long an address waits for the better ones before it, in ms
 */
interface Delays {
  quic: number
  tcp: number
  other: number
}

/**
 * RFC 8305 section 5 recommends 250 ms between attempts, go-libp2p does the same
 */
export const PUBLIC_DELAYS: Delays = { quic: 250, tcp: 250, other: 1_000 }

/**
 * In a local network an answer takes a few milliseconds (go-libp2p default)
 */
export const PRIVATE_DELAYS: Delays = { quic: 30, tcp: 30, other: 100 }

/**
 * How long relayed addresses wait when there is a public address, in ms
 * (go-libp2p default)
 */
export const RELAY_DELAY = 500

/**
 * How long relayed addresses wait when the only direct ones are private, in ms.
 * go-libp2p does not wait then and takes up relays for peers in the same room.
 */
export const PRIVATE_RELAY_DELAY = 100

/**
 * How long relayed addresses wait for the direct connection that the same relay
 * may help to set up (WebRTC), in ms. Gathering and checking candidates takes a
 * second or two.
 */
export const SIGNALLING_DELAY = 2_000

/**
 * How long addresses of unknown kinds wait for the others, in ms (go-libp2p
 * default)
 */
export const OTHER_DELAY = 1_000

/**
 * The options of {@link createDialRanker}
 */
export interface DialRankerInit {
  /**
   * How long relayed addresses wait when there is a public address, in ms
   *
   * @default 500
   */
  relayDelay?: number

  /**
   * How long relayed addresses wait when the only direct ones are private, in ms
   *
   * @default 100
   */
  privateRelayDelay?: number

  /**
   * How long relayed addresses wait for WebRTC through a relay, in ms
   *
   * @default 2000
   */
  signallingDelay?: number
}

interface Candidate {
  address: Address
  traits: DialTraits
}

/**
 * A ranker with the order and the delays of go-libp2p: QUIC, WebTransport, TCP
 * and WebSockets, WebRTC; of each kind IPv6 first, but one IPv4 address right
 * behind the first IPv6 one; then the lower port. Private addresses are dialled
 * beside the public ones, relayed ones after them.
 *
 * Different from go-libp2p: of two transports at the same port the worse one is
 * dialled after the others of its group and not left out; names are public addresses, as they are not resolved
 * before they are dialled; relayed addresses wait for private ones too; addresses
 * of unknown kinds wait for the last of the others and not for the last in the
 * list, and for none if there is none; of the kinds behind TCP, too, one address is
 * dialled before the others, as WebRTC connections are dear to browsers; the order
 * of equals is kept.
 */
export function createDialRanker (init: DialRankerInit = {}): DialRanker {
  return addresses => {
    const candidates = addresses.map(address => ({ address, traits: dialTraits(address.multiaddr) }))
    const inScope = (scope: DialTraits['scope']): Candidate[] => candidates.filter(({ traits }) => traits.scope === scope)

    const open = rankGroup(inScope('public'), PUBLIC_DELAYS, 0)
    const local = rankGroup(inScope('private'), PRIVATE_DELAYS, 0)
    const relayOffset = Math.max(
      open.length > 0 ? init.relayDelay ?? RELAY_DELAY : 0,
      local.length > 0 ? init.privateRelayDelay ?? PRIVATE_RELAY_DELAY : 0
    )
    const signalled = rankGroup(inScope('signalled'), PUBLIC_DELAYS, relayOffset)
    const signalling = signalled.length > 0 ? init.signallingDelay ?? SIGNALLING_DELAY : 0
    const relayed = rankGroup(inScope('relayed'), PUBLIC_DELAYS, relayOffset + signalling)

    const known = [...open, ...local, ...signalled, ...relayed]
    const otherDelay = known.length > 0 ? lastDelay(known) + OTHER_DELAY : 0
    const others = stagger(inScope('other'), PUBLIC_DELAYS.tcp, otherDelay)

    return [...known, ...others].sort((a, b) => a.delay - b.delay)
  }
}

/**
 * The ranker that is used unless another one is configured
 */
export const dialRanker: DialRanker = createDialRanker()

/**
 * A ranker for libp2p's option `addressSorter`: the order of the sorter, one
 * address after the other
 */
export function createSortedRanker (sorter: AddressSorter): DialRanker {
  return addresses => {
    let delay = 0

    return [...addresses].sort(sorter).map(address => {
      const ranked = { address, delay }
      delay += headStart(address.multiaddr)

      return ranked
    })
  }
}

/**
 * How long an address is given before others are tried, in ms
 */
export function headStart (multiaddr: Multiaddr): number {
  return (dialTraits(multiaddr).scope === 'private' ? PRIVATE_DELAYS : PUBLIC_DELAYS).tcp
}

/**
 * The same order without delays, for dials that both ends make at the same
 * moment to open the way through their firewalls
 */
export function withoutDelays (ranker: DialRanker): DialRanker {
  return addresses => ranker(addresses).map(({ address }) => ({ address, delay: 0 }))
}

function rankGroup (candidates: Candidate[], delays: Delays, offset: number): RankedAddress[] {
  const ports = new Set(candidates.map(({ traits }) => portKey(traits, traits.kind)))
  const isSpare = ({ traits }: Candidate): boolean => {
    const better = BETTER_KINDS[traits.kind]

    return better != null && ports.has(portKey(traits, better))
  }
  const all = [...candidates].sort(compare)
  const sorted = all.filter(candidate => !isSpare(candidate))
  const others = sorted.filter(candidate => !isQuic(candidate) && !isTcp(candidate))

  const quic = stagger(sorted.filter(isQuic), delays.quic, offset)
  const tcpStart = quic.length > 0 ? lastDelay(quic) + delays.tcp : offset
  const tcp = stagger(sorted.filter(isTcp), delays.tcp, tcpStart)
  const before = [...quic, ...tcp]
  const otherStart = before.length > 0 ? lastDelay(before) + delays.other : offset

  // where there is a spare one there is what it is spare to
  const spare = stagger(all.filter(isSpare), delays.tcp, lastDelay(before) + delays.tcp)

  return [...before, ...spare, ...stagger(others, delays.tcp, otherStart)]
}

/**
 * The first address of its kind starts alone. If it is IPv6, the first IPv4 one
 * follows by itself, as one of the two families often leads nowhere (RFC 8305).
 * All others follow together.
 */
function stagger (candidates: Candidate[], step: number, start: number): RankedAddress[] {
  const partner = candidates[0]?.traits.family === 6 ? candidates.find(({ traits }) => traits.family === 4) : undefined
  const first = partner == null ? candidates.slice(0, 1) : [candidates[0], partner]
  const rest = candidates.filter(candidate => !first.includes(candidate))

  return [
    ...first.map(({ address }, i) => ({ address, delay: start + i * step })),
    ...rest.map(({ address }) => ({ address, delay: start + first.length * step }))
  ]
}

function lastDelay (ranked: RankedAddress[]): number {
  return ranked.reduce((last, { delay }) => Math.max(last, delay), 0)
}

/**
 * The best first
 */
const QUIC: Array<DialTraits['kind']> = ['quic-v1', 'quic', 'webtransport']
const PREFERRED: Array<DialTraits['kind']> = [...QUIC, 'webrtc-direct']
const TCP: Array<DialTraits['kind']> = ['tcp', 'ws', 'wss']

/**
 * The transport that is better than one where both share a port: WebSockets and
 * WebTransport exist for browsers, QUIC drafts for the past. One of the two may be
 * stale or denied, so the other is dialled, too, but after all of the better kinds.
 */
const BETTER_KINDS: Partial<Record<DialTraits['kind'], DialTraits['kind']>> = {
  quic: 'quic-v1',
  webtransport: 'quic-v1',
  ws: 'tcp',
  wss: 'tcp'
}

function portKey ({ host, port }: DialTraits, kind: DialTraits['kind']): string {
  return `${kind} ${host ?? ''} ${port ?? ''}`
}

function isQuic ({ traits }: Candidate): boolean {
  return QUIC.includes(traits.kind)
}

function isTcp ({ traits }: Candidate): boolean {
  return TCP.includes(traits.kind)
}

/**
 * By kind of transport, among those that are dialled with each other, then loopback
 * last, as a peer on this host can mostly be reached at another address, too, then IPv6
 * before IPv4, then by port
 */
function compare ({ traits: a }: Candidate, { traits: b }: Candidate): number {
  return kindOrder(a) - kindOrder(b) ||
    Number(a.isLoopback) - Number(b.isLoopback) ||
    Number(a.family === 4) - Number(b.family === 4) ||
    (a.port ?? 0) - (b.port ?? 0)
}

function kindOrder ({ kind }: DialTraits): number {
  const index = PREFERRED.indexOf(kind)

  return index === -1 ? PREFERRED.length : index
}
