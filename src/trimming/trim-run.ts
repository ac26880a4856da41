import { Closings, TimeLimit } from '../core/index.ts'
import { CandidatePass } from './candidate-pass.ts'
import { GracePeriod, noneKept } from './candidates.ts'
import { createSelection } from './selection.ts'
import { Slice } from './slice.ts'
import type { TrimTable } from './candidate-pass.ts'
import type { CandidateRules, KeptConnections, TrimCandidate } from './candidates.ts'
import type { Selection } from './selection.ts'
import type { SelectVictims } from './user-choice.ts'
import type { Clock } from '../clock.ts'
import type { TrimReason, TrimResult, TrimmedConnection } from '../metrics/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface TrimRunComponents {
  table: TrimTable
  rules: CandidateRules
  clock: Clock
  log: Logger

  /**
   * A connection is closed next, by a trim for this reason
   */
  onClosing?(connection: Connection, reason: string): void
}

export interface TrimRunInit {
  gracePeriod: number
  connectionCloseTimeout: number
  selectVictims?: SelectVictims
}

/**
 * What a trim is asked to do
 */
export interface TrimRequest {
  readonly reason: TrimReason

  /**
   * How many connections are to be left, or to be closed
   */
  readonly goal: { readonly keep: number } | { readonly close: number }
  readonly ignoreGrace?: boolean
  readonly ignoreProtection?: boolean
  readonly emergency?: boolean
}

/**
 * What a trim did, and when another one can do more
 */
export interface TrimOutcome {
  readonly result: TrimResult

  /**
   * In how many ms the first of the connections that are in their grace period
   * will have left it. `Infinity` if there is none.
   */
  readonly graceRemaining: number
}

/**
 * The event loop has a turn after so many ms of choosing
 */
const CHOOSE_SLICE = 4

/**
 * Up to so many connections are chosen from without another turn
 */
const CHOOSE_AT_ONCE = 10_000

/**
 * The event loop has a turn after so many ms of closing, whose promises take
 * several times as long to settle
 */
const CLOSE_SLICE = 1

/**
 * One trim: a pass over all connections to choose the victims, in slices, then
 * their closing
 */
export class TrimRun {
  readonly #components: TrimRunComponents
  readonly #init: TrimRunInit
  readonly #request: TrimRequest
  readonly #rules: CandidateRules
  readonly #before: number
  readonly #kept: KeptConnections = noneKept()

  /**
   * Connections whose closing was begun and may not be over
   */
  #begun: Connection[] = []

  constructor (components: TrimRunComponents, init: TrimRunInit, request: TrimRequest) {
    const { rules, table } = components

    this.#components = components
    this.#init = init
    this.#request = request
    this.#before = table.size
    this.#rules = {
      ...rules,
      ...(request.ignoreProtection === true ? { isProtected: () => false } : {}),
      ...(request.ignoreGrace === true ? { gracePeriodOf: () => 0 } : {})
    }
  }

  async execute (): Promise<TrimOutcome> {
    const { goal, reason } = this.#request
    const kept = this.#kept
    const before = this.#before
    const excess = Math.ceil('keep' in goal ? before - goal.keep : goal.close)

    if (!(excess > 0)) {
      return this.#outcome(reason, 0, [])
    }

    const selection = await this.#choose(excess)

    // those that are being closed already will be gone without our doing
    const wanted = 'keep' in goal ? Math.max(0, excess - kept.closing) : excess

    // newcomers do not push out those who have been here longer before they can
    // be compared: they are left out of the count until their grace period ends
    const n = 'keep' in goal ? Math.max(0, wanted - kept.inGrace) : wanted

    return this.#outcome(reason, wanted, await this.#close(selection.victims(n), before - kept.closing - n))
  }

  #outcome (reason: TrimReason, wanted: number, closed: TrimmedConnection[]): TrimOutcome {
    const { graceRemaining, inGrace, allowListed, protected: isProtected } = this.#kept

    return {
      result: {
        reason,
        before: this.#before,
        wanted,
        closed,
        kept: { protected: isProtected, inGrace, allowListed },
        complete: closed.length >= wanted
      },
      graceRemaining
    }
  }

  /**
   * Looks at all connections. How many have to be closed is only known when all were
   * visited.
   */
  async #choose (excess: number): Promise<Selection> {
    const { table, clock, log } = this.#components
    const { selectVictims, gracePeriod } = this.#init
    const { emergency, ignoreGrace, ignoreProtection } = this.#request
    const selection = createSelection(this.#rules, { max: excess, open: this.#before, emergency, selectVictims }, log)
    const grace = new GracePeriod(ignoreGrace === true ? 0 : gracePeriod, clock.now())
    const pass = new CandidatePass(table, this.#rules, grace, this.#kept, selection, ignoreProtection !== true)
    const slice = new Slice(clock, CHOOSE_SLICE)

    while (pass.next()) {
      if (slice.isOver()) {
        await slice.nextTurn()
      }
    }

    // putting the first ones of many in order takes a while as well
    if (this.#before > CHOOSE_AT_ONCE) {
      await slice.nextTurn()
    }

    return selection
  }

  /**
   * Closes the victims, the first ones first, as long as there are more
   * connections than `left`
   */
  async #close (victims: Iterable<TrimCandidate>, left: number): Promise<TrimmedConnection[]> {
    const { clock, onClosing } = this.#components
    const slice = new Slice(clock, CLOSE_SLICE)
    const closings = new Closings(new TimeLimit(this.#init.connectionCloseTimeout, clock))
    const closing: TrimmedConnection[] = []
    let missing = this.#missing(left)

    for (const victim of victims) {
      if (slice.isOver()) {
        await slice.nextTurn()
        missing = this.#missing(left)
      }

      if (missing <= 0) {
        break
      }

      if (this.#isStillExpendable(victim)) {
        this.#begun.push(victim.connection)
        closing.push(trimmed(victim, clock.now()))
        onClosing?.(victim.connection, this.#request.reason)
        closings.begin(victim.connection)
        missing--
      }
    }

    const open = await closings.ended()

    return open.size === 0 ? closing : closing.filter(({ connection }) => !open.has(connection))
  }

  /**
   * How many connections are still to be closed: others may have closed by
   * themselves since the victims were chosen
   */
  #missing (left: number): number {
    if ('close' in this.#request.goal) {
      return Infinity
    }

    const { table } = this.#components
    this.#begun = this.#begun.filter(connection => table.get(connection) != null)

    return table.size - this.#begun.length - left
  }

  /**
   * The choice may be some turns of the event loop old
   */
  #isStillExpendable ({ connection }: TrimCandidate): boolean {
    const entry = this.#components.table.get(connection)

    return entry != null && connection.status === 'open' && !this.#rules.isProtected(entry.peer)
  }
}

function trimmed ({ connection, peerId, value, duplicate, streams, direction, openedAt }: TrimCandidate, now: number): TrimmedConnection {
  return { connection, peerId, value, duplicate, streams, direction, age: now - openedAt }
}
