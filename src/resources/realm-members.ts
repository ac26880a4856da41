import { UNLIMITED } from './limit-table.ts'
import { Scope } from './scope.ts'
import type { RealmScope } from './realm-reserves.ts'
import type { ScopeRegistry } from './scope-registry.ts'

/**
 * A connection that counts in a realm, or could
 */
export interface RealmMember {
  readonly realmScope: RealmScope | undefined

  /**
   * The next one of the same peer
   */
  nextMember: RealmMember | undefined

  /**
   * Add what the connection and its streams would use in that realm to `charge`, or
   * with -1 take it away
   */
  addCharge(charge: Scope, realm: RealmScope, sign: 1 | -1): void

  /**
   * Leave the realm, and enter the other one unasked
   */
  enterRealm(realm: RealmScope | undefined): void
}

/**
 * The scope of a peer, with the first one of the peer's connections. They are a linked
 * list, as most peers have one.
 */
export type PeerScope = Scope<RealmMember | undefined>

export function * membersOf (scope: PeerScope): IterableIterator<RealmMember> {
  for (let member = scope.companion; member !== undefined; member = member.nextMember) {
    yield member
  }
}

export function addMember (scope: PeerScope, member: RealmMember): void {
  member.nextMember = scope.companion
  scope.companion = member
}

export function removeMember (scope: PeerScope, member: RealmMember): void {
  let previous: RealmMember | undefined

  for (let other = scope.companion; other !== undefined && other !== member; other = other.nextMember) {
    previous = other
  }

  if (previous === undefined) {
    scope.companion = member.nextMember
  } else {
    previous.nextMember = member.nextMember
  }

  member.nextMember = undefined
}

/**
 * Move connections to another realm, all of them or none
 *
 * @throws {ResourceLimitError} when they don't fit, and then nothing has changed
 */
export function moveToRealm (members: Iterable<RealmMember>, realms: ScopeRegistry<RealmScope>, realm: string | undefined): void {
  const target = realms.hold(realm)

  try {
    const moving = [...members].filter(member => member.realmScope !== target)

    if (target != null) {
      const charge = new Scope(UNLIMITED, 'charge')

      for (const member of moving) {
        member.addCharge(charge, target, 1)
      }

      charge.requireIn(target)
    }

    for (const member of moving) {
      member.enterRealm(target)
    }
  } finally {
    realms.letGo(target)
  }
}
