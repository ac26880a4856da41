import { toCandidate } from './candidate.ts'
import { ownAddresses } from './peer-addresses.ts'
import type { Candidate } from './candidate.ts'
import type { SourceItem } from './mix-fairly.ts'
import type { SkipReason, SkippedCandidate } from './skip-reasons.ts'
import type { AbortOptions, Peer, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What candidates are asked about on their way
 */
export interface CandidateChecks {

  /**
   * Why nothing is to be done about a peer now, whatever its addresses are
   */
  unavailable(candidate: Candidate): SkipReason | undefined

  /**
   * What the peer store says about a peer
   */
  lookUp(peerId: PeerId): Promise<Peer | undefined>

  /**
   * Whether there is a transport for an address of a peer, and dialling it would be of use
   */
  isDialable(multiaddr: Multiaddr, peerId: PeerId): boolean

  /**
   * Of the addresses of a peer that nobody asked for those that may be dialled, with what
   * their names lead to
   */
  dialable(peerId: PeerId, multiaddrs: readonly Multiaddr[], options: AbortOptions): Promise<readonly Multiaddr[]>

  /**
   * No more candidates are needed
   */
  readonly signal: AbortSignal
  isPeerBanned(peerId: PeerId): boolean
  isAddressBanned(multiaddr: Multiaddr): boolean

  /**
   * Whether it is the turn of a peer after earlier dials
   */
  isDue(candidate: Candidate): boolean

  /**
   * Whether there may be one more connection to the network of an address.
   * `undefined`: there is no such rule.
   */
  hasRoom?(multiaddr: Multiaddr): boolean

  /**
   * The protocols of which a peer has to speak one
   */
  readonly protocols: readonly string[]

  /**
   * Candidates of networks to which there are enough connections come last,
   * instead of never
   */
  readonly softGroups: boolean

  onSkip(skipped: SkippedCandidate): void
}

/**
 * In soft mode at most so many candidates are kept for the end
 */
const MAX_DEFERRED = 100

type Candidates = AsyncGenerator<Candidate, void, undefined>
type Stage = (candidates: AsyncIterable<Candidate>) => Candidates

/**
 * The way of a candidate from its source to the dial: known → not banned → not
 * tried recently → leads to a public host → group-diverse → speaks the protocol. A candidate is looked for
 * when it is asked for, not before.
 */
export function candidatePipeline (items: AsyncIterable<SourceItem>, checks: CandidateChecks): Candidates {
  const stages: Stage[] = [
    unless(candidate => checks.unavailable(candidate), checks),
    source => known(source, checks),
    source => notBanned(source, checks),
    unless(candidate => checks.isDue(candidate) ? undefined : 'retry-chance', checks),
    source => resolved(source, checks),
    source => diverse(source, checks),
    unless(candidate => speaksOne(candidate, checks.protocols) ? undefined : 'protocol', checks),
    // what was looked up and waited for may have changed meanwhile
    unless(candidate => checks.unavailable(candidate), checks)
  ]

  return stages.reduce((candidates, stage) => stage(candidates), parsed(items, checks))
}

async function * parsed (items: AsyncIterable<SourceItem>, checks: CandidateChecks): Candidates {
  for await (const { source, item } of items) {
    const candidate = toCandidate(item, source)

    if (candidate == null) {
      checks.onSkip({ source, reason: 'invalid' })
    } else {
      yield candidate
    }
  }
}

/**
 * Lets those through for which there is no reason not to
 */
function unless (reasonOf: (candidate: Candidate) => SkipReason | undefined, checks: CandidateChecks): Stage {
  return async function * (candidates) {
    for await (const candidate of candidates) {
      const reason = reasonOf(candidate)

      if (reason == null) {
        yield candidate
      } else {
        skip(candidate, reason, checks)
      }
    }
  }
}

/**
 * Adds what is known of the peer, and takes away the addresses that cannot be dialled
 */
async function * known (candidates: AsyncIterable<Candidate>, checks: CandidateChecks): Candidates {
  for await (const candidate of candidates) {
    const peer = candidate.peer ?? await checks.lookUp(candidate.peerId)
    const stored = candidate.peer == null ? peer?.addresses ?? [] : []
    const multiaddrs = ownAddresses(candidate.key, [...candidate.multiaddrs, ...stored.map(({ multiaddr }) => multiaddr)])

    yield * withAddresses({ ...candidate, peer, multiaddrs: unique(multiaddrs) }, multiaddr => checks.isDialable(multiaddr, candidate.peerId), 'no-address', checks)
  }
}

async function * notBanned (candidates: AsyncIterable<Candidate>, checks: CandidateChecks): Candidates {
  for await (const candidate of candidates) {
    if (checks.isPeerBanned(candidate.peerId)) {
      skip(candidate, 'banned', checks)
    } else {
      yield * withAddresses(candidate, multiaddr => !checks.isAddressBanned(multiaddr), 'banned', checks)
    }
  }
}

/**
 * Puts what the addresses lead to in their place: names are no networks of their own.
 * Late, as names have to be looked up.
 */
async function * resolved (candidates: AsyncIterable<Candidate>, checks: CandidateChecks): Candidates {
  for await (const candidate of candidates) {
    const multiaddrs = await checks.dialable(candidate.peerId, candidate.multiaddrs, { signal: checks.signal })

    yield * withAddresses({ ...candidate, multiaddrs }, () => true, 'private', checks)
  }
}

/**
 * Takes away the addresses of networks to which there are enough connections. In
 * soft mode who has no others comes last.
 */
async function * diverse (candidates: AsyncIterable<Candidate>, checks: CandidateChecks): Candidates {
  const hasRoom = (multiaddr: Multiaddr): boolean => checks.hasRoom?.(multiaddr) ?? true
  const deferred: Candidate[] = []

  for await (const candidate of candidates) {
    if (checks.softGroups && deferred.length < MAX_DEFERRED && !candidate.multiaddrs.some(hasRoom)) {
      deferred.push(candidate)
    } else {
      yield * withAddresses(candidate, hasRoom, 'group', checks)
    }
  }

  yield * deferred
}

function * withAddresses (candidate: Candidate, isUsable: (multiaddr: Multiaddr) => boolean, reason: SkipReason, checks: CandidateChecks): Generator<Candidate, void, undefined> {
  const multiaddrs = candidate.multiaddrs.filter(isUsable)

  if (multiaddrs.length === 0) {
    skip(candidate, reason, checks)
  } else {
    yield multiaddrs.length === candidate.multiaddrs.length ? candidate : { ...candidate, multiaddrs }
  }
}

/**
 * Of a peer that was never identified the protocols are not known
 */
function speaksOne ({ peer }: Candidate, protocols: readonly string[]): boolean {
  return protocols.length === 0 || peer == null || peer.protocols.length === 0 || peer.protocols.some(protocol => protocols.includes(protocol))
}

function unique (multiaddrs: Multiaddr[]): Multiaddr[] {
  return [...new Map(multiaddrs.map(multiaddr => [multiaddr.toString(), multiaddr])).values()]
}

function skip ({ peerId, source }: Candidate, reason: SkipReason, checks: CandidateChecks): void {
  checks.onSkip({ peerId, source, reason })
}
