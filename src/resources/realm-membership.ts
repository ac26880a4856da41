/**
 * The tags that put a peer into a realm begin with this
 */
export const REALM_TAG_PREFIX = 'realm:'

/**
 * The longest name of a realm
 */
export const MAX_REALM_LENGTH = 256

/**
 * A peer can announce any number of protocols: no more than this many of its
 * realms are told
 */
export const MAX_MEMBERSHIPS = 32

/**
 * What tells the realm of a peer
 */
export interface PeerTraits {
  /**
   * The names of the peer's tags
   */
  tags?: Iterable<string>

  /**
   * The protocols that the peer speaks
   */
  protocols?: Iterable<string>
}

/**
 * Why a peer is in a realm
 */
export type RealmSource = 'assigned' | 'tag' | 'protocol' | 'peer'

export interface Membership {
  readonly realm: string
  readonly source: RealmSource
}

/**
 * What membership is decided from
 */
export interface MembershipEvidence extends PeerTraits {
  /**
   * The realm that the peer was assigned to
   */
  assigned?: string

  /**
   * The realm of a protocol
   */
  ofProtocol(protocol: string): string | undefined

  /**
   * The realm of the peer itself, whatever it speaks
   */
  ofPeer(): string | undefined
}

/**
 * The realms of a peer, the one that counts first: the one that it was assigned
 * to, then those of its tags, those of its protocols, and the one that is told for
 * the peer itself
 */
export function memberships (evidence: MembershipEvidence): Membership[] {
  const found = new Map<string, RealmSource>()

  for (const { realm, source } of candidates(evidence)) {
    if (isRealm(realm) && !found.has(realm)) {
      found.set(realm, source)
    }

    if (found.size === MAX_MEMBERSHIPS) {
      break
    }
  }

  return [...found].map(([realm, source]) => ({ realm, source }))
}

/**
 * The realm that a peer counts in
 */
export function primaryMembership (evidence: MembershipEvidence): Membership | undefined {
  for (const { realm, source } of candidates(evidence)) {
    if (isRealm(realm)) {
      return { realm, source }
    }
  }
}

/**
 * Can this be the name of a realm?
 */
export function isRealm (realm: unknown): realm is string {
  return typeof realm === 'string' && realm.length > 0 && realm.length <= MAX_REALM_LENGTH
}

/**
 * The name behind `/realm/` in a protocol such as `/app/realm/chain/1.0.0`
 */
export function realmInProtocol (protocol: string): string | undefined {
  const start = protocol.indexOf('/realm/')

  if (start !== -1) {
    return protocol.slice(start + '/realm/'.length).split('/', 1)[0]
  }
}

function * candidates (evidence: MembershipEvidence): Iterable<{ realm: unknown, source: RealmSource }> {
  yield { realm: evidence.assigned, source: 'assigned' }

  for (const tag of evidence.tags ?? []) {
    if (tag.startsWith(REALM_TAG_PREFIX)) {
      yield { realm: tag.slice(REALM_TAG_PREFIX.length), source: 'tag' }
    }
  }

  for (const protocol of evidence.protocols ?? []) {
    yield { realm: evidence.ofProtocol(protocol), source: 'protocol' }
  }

  yield { realm: evidence.ofPeer(), source: 'peer' }
}
