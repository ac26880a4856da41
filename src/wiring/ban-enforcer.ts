import type { Emit } from './context.ts'
import type { Departures } from './departures.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionTable } from '../connections/index.ts'
import type { Ban, BanList } from '../gating/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface BanEnforcerComponents {
  clock: Clock
  log: Logger
  bans: BanList
  table: ConnectionTable
  departures: Pick<Departures, 'add'>
  emit: Emit
}

/**
 * After how many connections other work gets a turn
 */
const SLICE = 1_000

/**
 * Closes what is open to those who are banned, however the ban has come about, and
 * tells of bans
 */
export function enforceBans (components: BanEnforcerComponents): void {
  const { bans, emit } = components
  const enforcer = new BanEnforcer(components)

  bans.addEventListener('ban', ({ detail }) => {
    emit('peer:ban', detail)
    enforcer.enforce(detail)
  })
  bans.addEventListener('unban', ({ detail }) => { emit('peer:unban', detail) })
}

class BanEnforcer {
  readonly #components: BanEnforcerComponents
  #isScheduled = false

  constructor (components: BanEnforcerComponents) {
    this.#components = components
  }

  /**
   * The connections of a peer are found at once. For those from a banned range, or
   * through a banned relay, all have to be looked at: once for all bans of a turn, as
   * many may be read from the datastore together.
   */
  enforce ({ kind, target }: Ban): void {
    const { departures, table, clock, log } = this.#components

    if (kind === 'peer') {
      [...table.getPeer(target)?.connections ?? []].forEach(connection => { departures.add(connection, 'ban') })
    }

    if (!this.#isScheduled && table.size > 0) {
      this.#isScheduled = true
      clock.setTimeout(() => {
        this.#isScheduled = false
        this.#closeBanned()
          .catch((err: unknown) => { log.error('could not close the connections of who is banned - %e', err) })
      }, 0)
    }
  }

  async #closeBanned (): Promise<void> {
    const { clock, departures, table } = this.#components
    let count = 0

    for (const connection of table.allConnections()) {
      if (++count % SLICE === 0) {
        await clock.nextTurn()
      }

      if (connection.status === 'open' && this.#isBanned(connection)) {
        departures.add(connection, 'ban')
      }
    }
  }

  #isBanned ({ remoteAddr, remotePeer }: Connection): boolean {
    const { bans } = this.#components

    return bans.ofPeer(remotePeer) != null || bans.ofMultiaddr(remoteAddr) != null
  }
}
