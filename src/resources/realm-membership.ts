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
 * What may say that a peer is in a realm, and the realm, if it is one
 */
export interface MembershipClaim {
  readonly realm: unknown
  readonly source: RealmSource
}

/**
 * The realms of a peer, the one that counts first
 */
export function memberships (claims: Iterable<MembershipClaim>): Membership[] {
  const found = new Map<string, Membership>()

  for (const { realm, source } of claims) {
    if (isRealm(realm) && !found.has(realm)) {
      found.set(realm, { realm, source })
    }

    if (found.size === MAX_MEMBERSHIPS) {
      break
    }
  }

  return [...found.values()]
}

/**
 * The realm that a peer counts in
 */
export function primaryMembership (claims: Iterable<MembershipClaim>): Membership | undefined {
  for (const { realm, source } of claims) {
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
