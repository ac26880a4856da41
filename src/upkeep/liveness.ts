import { TimeoutError } from '@libp2p/interface'
import { TimeLimit } from '../core/index.ts'
import { toError } from '../errors.ts'
import { DueList } from './due-queue.ts'
import { MIN_RETRY_DELAY, PING_TIMEOUTS, isRTTDue, livenessAction, nextCheck, pingTimeout, smoothRTT } from './liveness-policy.ts'
import { pingConnection, pingProtocol } from './ping.ts'
import { WatchedConnection } from './watched-connection.ts'
import type { LivenessRecord, LivenessTimes, PingTimeouts } from './liveness-policy.ts'
import type { ByteSource, Watch, WatchableEntry } from './watched-connection.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Connection, Logger } from '@libp2p/interface'

/**
 * How connections are pinged
 */
export interface PingInit extends PingTimeouts {
  /**
   * The protocol is `/<prefix>/ping/1.0.0`
   */
  protocolPrefix: string
}

export interface LivenessComponents {
  clock: Clock
  random: Random
  log: Logger

  /**
   * What is below the encryption of a connection. `undefined` if that is not
   * known, then only the answers to pings count as life.
   */
  byteSource(connection: Connection): ByteSource | undefined

  /**
   * How often the connection is to be pinged. `false`: never.
   */
  timesOf(connection: Connection): LivenessTimes | false

  /**
   * How connections are pinged
   *
   * @default DEFAULT_PING
   */
  ping?: PingInit

  /**
   * A ping was answered after `rtt` ms, or was not answered
   */
  onPing?(connection: Connection, rtt: number | undefined): void

  /**
   * A connection is given up, and aborted next
   */
  onGiveUp?(connection: Connection, record: LivenessRecord): void

  /**
   * A connection was given up and aborted. `networkChanged` tells that nothing was
   * heard of it since the network has changed.
   */
  onDead(connection: Connection, record: LivenessRecord, networkChanged: boolean): void
}

/**
 * How connections are pinged where nothing was said about it
 */
export const DEFAULT_PING: Readonly<PingInit> = { protocolPrefix: 'ipfs', ...PING_TIMEOUTS }

/**
 * A timer that is late by this many ms was held up by a process that did not run:
 * a laptop that slept, a tab that was frozen. What was not heard meanwhile cannot
 * be held against the remotes.
 */
const SUSPENDED = 10_000

/**
 * After a suspension, or a change of the network, all connections are pinged
 * within this many ms
 */
const PROBE_WINDOW = 1_000

/**
 * Finds connections that are dead without bothering those that are not: only a
 * connection on which nothing was heard for a while is pinged, and it is aborted
 * only when it does not answer for some time either. All others are pinged once when they
 * are new, and every `MAX_RTT_AGE`, so that their round trip time is known.
 */
export class Liveness {
  readonly #components: LivenessComponents
  readonly #due: DueList<WatchedConnection>

  /**
   * Those that wait for the answer to a ping. All others are due some time.
   */
  readonly #pinging = new Map<WatchedConnection, TimeLimit>()

  /**
   * Those that are pinged next, whether or not something was heard of them
   */
  readonly #probed = new Set<WatchedConnection>()
  readonly #common: { -readonly [key in keyof Watch]: Watch[key] }

  constructor (components: LivenessComponents) {
    this.#components = components
    this.#common = { clock: components.clock, silentBefore: -Infinity, networkChangedAt: -Infinity }
    this.#due = new DueList(components.clock, (watched, lateBy) => { this.#onDue(watched, lateBy) })
  }

  /**
   * How many connections are watched
   */
  get size (): number {
    return this.#due.size + this.#pinging.size
  }

  /**
   * Watch a connection that was opened. What is known of its life is in `entry.watched`
   * from now on.
   */
  watch (entry: WatchableEntry): void {
    const { connection } = entry
    const times = this.#components.timesOf(connection)

    if (times !== false && entry.watched == null) {
      entry.watched = new WatchedConnection(entry, this.#common, this.#components.byteSource(connection))
      this.#scheduleNext(entry.watched, times)
    }
  }

  /**
   * A connection was closed
   */
  unwatch (entry: WatchableEntry): void {
    const { watched } = entry

    if (watched != null) {
      entry.watched = undefined
      this.#due.cancel(watched)
      this.#pinging.get(watched)?.abort()
      this.#pinging.delete(watched)
      this.#probed.delete(watched)
      watched.stopListening()
    }
  }

  /**
   * The network has changed: ping all connections now. Pings that were not answered
   * before do not count.
   */
  networkChanged (): void {
    this.#common.networkChangedAt = this.#components.clock.now()
    this.#probeAll()
  }

  stop (): void {
    for (const { entry } of this.#all()) {
      this.unwatch(entry)
    }
  }

  #all (): WatchedConnection[] {
    return [...this.#due.items(), ...this.#pinging.keys()]
  }

  #onDue (watched: WatchedConnection, lateBy: number): void {
    const { clock, log } = this.#components
    const { connection } = watched
    const now = clock.now()
    const times = this.#components.timesOf(connection)

    if (times === false) {
      this.unwatch(watched.entry)
      return
    }

    if (lateBy >= SUSPENDED) {
      this.#due.schedule(watched, now)
      this.#resume(lateBy)
      return
    }

    const action = this.#probed.delete(watched) ? 'ping' : livenessAction(watched, times, now)

    if (action === 'wait' && !isRTTDue(watched.pingedAt, now)) {
      this.#due.schedule(watched, watched.silentSince + times.interval)
    } else if (action !== 'abort') {
      this.#ping(watched, times)
        .catch(err => { log.error('could not ping %p - %e', connection.remotePeer, err) })
    } else {
      this.#abort(watched)
    }
  }

  /**
   * The process did not run for a while. That nothing was heard meanwhile tells
   * nothing of the remotes, so they are asked before anything else.
   */
  #resume (lateBy: number): void {
    const { clock, log } = this.#components
    log('timers were late by %d ms, probing all connections', lateBy)
    this.#common.silentBefore = clock.now()
    this.#probeAll()
  }

  #probeAll (): void {
    const { clock, random } = this.#components

    for (const watched of this.#all()) {
      watched.misses = 0
      this.#probed.add(watched)

      // one that is being pinged is pinged again after that
      if (!this.#pinging.has(watched)) {
        this.#due.schedule(watched, clock.now() + random.next() * PROBE_WINDOW)
      }
    }
  }

  async #ping (watched: WatchedConnection, times: LivenessTimes): Promise<void> {
    const { clock, log, ping = DEFAULT_PING } = this.#components
    const { connection } = watched
    const start = watched.pingedAt = clock.now()
    const timeout = pingTimeout(watched, ping)
    const limit = new TimeLimit(timeout, clock)
    this.#pinging.set(watched, limit)

    try {
      const rtt = await pingConnection(connection, clock, limit.signal, pingProtocol(ping.protocolPrefix))

      // longer than a ping may take: the clock was set forward
      if (rtt <= timeout) {
        const smoothed = smoothRTT(watched, rtt)
        watched.rttVariation = smoothed.rttVariation
        connection.rtt = smoothed.rtt
        this.#components.onPing?.(connection, rtt)
      }

      watched.heard()
    } catch (err) {
      // a connection that was closed meanwhile is not watched any more
      if (limit.signal.aborted && watched.entry.watched === watched) {
        this.#onPingTimeout(watched, start, timeout)
      }

      log('ping to %p failed, %d misses - %e', connection.remotePeer, watched.misses, toError(err))
    } finally {
      limit.clear()
      this.#pinging.delete(watched)
    }

    if (watched.entry.watched === watched) {
      this.#scheduleNext(watched, times)
    }
  }

  /**
   * Only a ping that was not answered in time is a miss, and only if no other bytes
   * came meanwhile. All other errors are either ours, as when there are too many
   * streams, or an answer.
   */
  #onPingTimeout (watched: WatchedConnection, start: number, timeout: number): void {
    const lateBy = this.#components.clock.now() - start - timeout

    if (lateBy >= SUSPENDED) {
      this.#resume(lateBy)
    } else if (watched.lastHeard <= start && !this.#probed.has(watched)) {
      watched.misses++
      this.#components.onPing?.(watched.connection, undefined)
    }
  }

  /**
   * Spread, so that connections which were opened together, or asked together, are
   * not pinged together again and again
   */
  #scheduleNext (watched: WatchedConnection, times: LivenessTimes): void {
    const { clock, random } = this.#components
    const now = clock.now()

    if (this.#probed.has(watched)) {
      this.#due.schedule(watched, now + random.next() * PROBE_WINDOW)
    } else {
      this.#due.schedule(watched, watched.misses > 0
        ? nextCheck(watched, times, now)
        : now + Math.max(times.interval, MIN_RETRY_DELAY) * (1 + random.next() / 4))
    }
  }

  #abort (watched: WatchedConnection): void {
    const { connection, entry } = watched
    const { clock, log } = this.#components
    const silence = clock.now() - watched.lastHeard

    log('aborting a connection to %p that was silent for %d ms', connection.remotePeer, silence)
    this.unwatch(entry)
    this.#components.onGiveUp?.(connection, watched)

    try {
      connection.abort(new TimeoutError(`Nothing was heard for ${silence} ms`))
    } catch (err) {
      log.error('could not abort a dead connection - %e', err)
    }

    this.#components.onDead(connection, watched, watched.networkChanged)
  }
}
