import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { Liveness } from '../../src/upkeep/index.ts'
import { PingedConnection } from '../fixtures/pinged-connection.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { LivenessTimes, PingInit, WatchableEntry } from '../../src/upkeep/index.ts'
import type { Connection } from '@libp2p/interface'

export const TIMES: LivenessTimes = { interval: 30_000, maxMisses: 3, minSilence: 60_000 }
export const START = 1_000_000

/**
 * Connections whose life is watched, as the connection manager has it watched
 */
export class LivenessWorld {
  readonly clock = new VirtualClock(START)

  /**
   * Those that were given up
   */
  readonly dead: Array<{ connection: Connection, networkChanged: boolean, at: number }> = []

  random = 0
  readonly liveness: Liveness
  private readonly entries = new Map<Connection, WatchableEntry>()

  constructor (ping?: PingInit) {
    this.liveness = new Liveness({
      ping,
      clock: this.clock,
      random: { next: () => this.random },
      log: defaultLogger().forComponent('test'),
      byteSource: connection => connection instanceof PingedConnection ? connection.raw : undefined,
      timesOf: connection => this.times(connection),
      onDead: (connection, record, networkChanged) => { this.dead.push({ connection, networkChanged, at: this.clock.now() - START }) }
    })
  }

  times: (connection: Connection) => LivenessTimes | false = () => TIMES

  open (behaviour: PingedConnection['behaviour'] = 'echo'): PingedConnection {
    const connection = new PingedConnection(this.clock)
    connection.behaviour = behaviour
    this.watch(connection)

    return connection
  }

  watch (connection: PingedConnection): void {
    const entry: WatchableEntry = { connection, watched: undefined }
    this.entries.set(connection, entry)
    connection.addEventListener('close', () => { this.liveness.unwatch(entry) })
    this.liveness.watch(entry)
  }

  /**
   * Nothing is watched any more, and no timer may be left
   */
  async end (): Promise<void> {
    this.liveness.stop()
    await settle()
    expect(this.clock.timers).to.equal(0)
  }

  /**
   * What is known of the life of a connection
   */
  recordOf (connection: Connection): WatchableEntry['watched'] {
    return this.entries.get(connection)?.watched
  }
}

/**
 * When a connection was pinged, in ms since the start
 */
export function pingTimes ({ pings }: PingedConnection): number[] {
  return pings.map(at => at - START)
}
