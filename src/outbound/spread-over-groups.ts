import type { Random } from '../random.ts'
import type { Peer } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * So many addresses of a peer are looked at
 */
const MAX_ADDRESSES = 8

/**
 * Peers drawn at random, in an order in which every group of addresses comes once
 * before any comes twice, and so on: whoever has many addresses in few networks fills
 * the peer store with them, but is not dialled more often than others.
 *
 * Of a peer with addresses in several groups the group counts that most peers are in,
 * so that it gains nothing by an address that only it claims to have. Peers in no group
 * come among the first.
 *
 * @param peers - all that are known
 * @param count - how many to draw
 * @param groupOf - the group of addresses that an address belongs to, if any
 * @param random - what decides
 */
export function spreadOverGroups (peers: readonly Peer[], count: number, groupOf: (multiaddr: Multiaddr) => string | undefined, random: Random): Peer[] {
  const drawn = draw(peers, count, random).map(peer => ({ peer, groups: groupsOf(peer, groupOf), chance: random.next(), round: 0 }))
  const sizes = new Map<string, number>()
  const rounds = new Map<string, number>()

  for (const group of drawn.flatMap(({ groups }) => groups)) {
    sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }

  for (const entry of drawn) {
    const [first, ...others] = entry.groups

    if (first != null) {
      const group = others.reduce((largest, other) => (sizes.get(other) ?? 0) > (sizes.get(largest) ?? 0) ? other : largest, first)
      entry.round = rounds.get(group) ?? 0
      rounds.set(group, entry.round + 1)
    }
  }

  return drawn.sort((a, b) => a.round - b.round || a.chance - b.chance).map(({ peer }) => peer)
}

function draw <T> (items: readonly T[], count: number, random: Random): T[] {
  const left = [...items]
  const drawn = Math.min(count, left.length)

  for (let i = 0; i < drawn; i++) {
    const other = i + Math.floor(random.next() * (left.length - i));
    [left[i], left[other]] = [left[other], left[i]]
  }

  return left.slice(0, drawn)
}

/**
 * Each once, however many addresses are in it
 */
function groupsOf ({ addresses }: Peer, groupOf: (multiaddr: Multiaddr) => string | undefined): string[] {
  const groups = addresses.slice(0, MAX_ADDRESSES).map(({ multiaddr }) => groupOf(multiaddr)).filter(group => group != null)

  return [...new Set(groups)]
}
