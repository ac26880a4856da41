import { socketAddress } from '../gating/index.ts'
import type { Emit } from './context.ts'
import type { Departures } from './departures.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionTable } from '../core/index.ts'
import type { Ban, BanList } from '../gating/index.ts'
import type { Logger } from '@libp2p/interface'

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
  const { bans, clock, departures, emit, log, table } = components
  let isScheduled = false

  bans.addEventListener('ban', ({ detail }) => {
    emit('peer:ban', detail)

    if (detail.kind === 'peer') {
      [...table.getPeer(detail.target)?.connections ?? []].forEach(connection => { departures.add(connection, 'ban', causeOf(detail)) })
    }

    // the connections of a peer are found at once. For those from a banned range, or
    // through a banned relay, all have to be looked at: once for all bans of a turn, as
    // many may be read from the datastore together.
    if (!isScheduled && table.size > 0) {
      isScheduled = true
      clock.setTimeout(() => {
        isScheduled = false
        closeBanned(components)
          .catch((err: unknown) => { log.error('could not close the connections of who is banned - %e', err) })
      }, 0)
    }
  })
  bans.addEventListener('unban', ({ detail }) => { emit('peer:unban', detail) })
}

async function closeBanned ({ bans, clock, departures, table }: BanEnforcerComponents): Promise<void> {
  let count = 0

  for (const connection of table.allConnections()) {
    if (++count % SLICE === 0) {
      await clock.nextTurn()
    }

    const address = socketAddress(table.get(connection)?.socket ?? connection)
    const ban = connection.status === 'open' ? bans.ofPeer(connection.remotePeer) ?? bans.ofMultiaddr(address) : undefined

    if (ban != null) {
      departures.add(connection, 'ban', causeOf(ban))
    }
  }
}

function causeOf ({ target, reason }: Ban): string {
  return reason == null ? target : `${target}: ${reason}`
}
