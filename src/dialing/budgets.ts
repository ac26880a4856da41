import { AbortError } from '@libp2p/interface'
import { WaitingLine } from './waiting-line.ts'
import type { Place } from './waiting-line.ts'

/**
 * How many dials of single addresses may run at the same time over all peers
 * and all transports.
 */
export const MAX_PARALLEL_ADDRESS_DIALS = 320

/**
 * How many dials to one peer may run at the same time (go-libp2p default)
 */
export const MAX_PARALLEL_DIALS_PER_PEER = 8

/**
 * How many dials may run at the same time over one kind of transport. `tcp`,
 * which WebSockets use too, takes file descriptors: 160 (go-libp2p default).
 * Chromium refuses the 65th `webtransport` session that is still pending. A tab
 * of Chromium may make 500 `webrtc` connections in its life, and every attempt
 * counts. `circuit` leaves places for the dials of the relays.
 */
export const MAX_PARALLEL_DIALS_PER_TRANSPORT: Record<string, number> = {
  tcp: 160,
  webtransport: 48,
  webrtc: 16,
  circuit: 64
}

/**
 * How many dials that nobody asked for may go to one group of addresses at the
 * same time
 */
export const MAX_PARALLEL_DIALS_PER_GROUP = 4

/**
 * The caps of {@link DialBudgets}
 */
export interface DialBudgetsInit {
  /**
   * How many dials of single addresses may run at the same time
   *
   * @default 320
   */
  maxParallelAddressDials?: number

  /**
   * How many of them may go to one peer
   *
   * @default 8
   */
  maxParallelDialsPerPeer?: number

  /**
   * How many of them may use one kind of transport. A kind that is not listed
   * is bounded by the other caps only.
   *
   * @default { tcp: 160, webtransport: 48, webrtc: 16, circuit: 64 }
   */
  maxParallelDialsPerTransport?: Record<string, number>

  /**
   * How many of them may go to one group of addresses that share a network.
   * Only dials that name their group are counted.
   *
   * @default 4
   */
  maxParallelDialsPerGroup?: number
}

/**
 * Whose budgets one dial of an address is charged to
 */
export interface DialCharge {
  /**
   * The peer, or the address when the peer is not known
   */
  peer: string

  /**
   * The kind of transport
   */
  transport: string

  /**
   * The group of addresses, for a dial that the group budget binds
   */
  group?: string

  /**
   * Waiting dials with a higher priority go first
   *
   * @default 0
   */
  priority?: number

  /**
   * Aborting it while the dial waits means that it never runs
   */
  signal?: AbortSignal
}

/**
 * Gives back what a dial was charged. Calling it again is harmless.
 */
export interface ReleaseBudget {
  (): void
}

interface Budget {
  readonly key: string
  readonly cap: number
  used: number
  /**
   * How many dials run in it, wait for it or would need it once they have
   * waited for another one
   */
  references: number
  readonly waiting: WaitingLine<Waiter>
}

interface Waiter {
  readonly budgets: Budget[]
  readonly priority: number
  readonly order: number
  grant(): void
  place?: { budget: Budget, place: Place<Waiter> }
}

/**
 * Bounds how many dials run at the same time: over everything, per peer, per
 * kind of transport and per group of addresses. A dial takes from all its
 * budgets at once or from none, so one that waits for a busy transport does not
 * block another of the same peer. What waits is served first come first served
 * within its priority.
 */
export class DialBudgets {
  readonly #init: Required<DialBudgetsInit>

  /**
   * Budgets that some dial refers to. The others have all their places free
   * and take no memory.
   */
  readonly #budgets = new Map<string, Budget>()

  #order = 0
  #waiters = 0

  constructor (init: DialBudgetsInit = {}) {
    this.#init = {
      maxParallelAddressDials: init.maxParallelAddressDials ?? MAX_PARALLEL_ADDRESS_DIALS,
      maxParallelDialsPerPeer: init.maxParallelDialsPerPeer ?? MAX_PARALLEL_DIALS_PER_PEER,
      maxParallelDialsPerTransport: init.maxParallelDialsPerTransport ?? MAX_PARALLEL_DIALS_PER_TRANSPORT,
      maxParallelDialsPerGroup: init.maxParallelDialsPerGroup ?? MAX_PARALLEL_DIALS_PER_GROUP
    }
  }

  /**
   * How many dials run
   */
  get running (): number {
    return this.#budgets.get('all')?.used ?? 0
  }

  /**
   * How many dials wait
   */
  get waiting (): number {
    return this.#waiters
  }

  /**
   * How many budgets are remembered
   */
  get size (): number {
    return this.#budgets.size
  }

  /**
   * Wait until the dial fits into all its budgets and take its places.
   *
   * @throws {AbortError} or the signal's reason, when the signal aborts first
   */
  async acquire (charge: DialCharge): Promise<ReleaseBudget> {
    charge.signal?.throwIfAborted()

    const budgets = this.#budgetsOf(charge)

    if (budgets.every(hasPlace)) {
      return this.#take(budgets)
    }

    return new Promise<ReleaseBudget>((resolve, reject) => {
      const waiter: Waiter = {
        budgets,
        priority: charge.priority ?? 0,
        order: this.#order++,
        grant: () => {
          charge.signal?.removeEventListener('abort', onAbort)
          this.#waiters--
          resolve(this.#take(budgets))
        }
      }

      const onAbort = (): void => {
        waiter.place?.budget.waiting.leave(waiter.place.place)
        this.#waiters--
        this.#dereference(budgets)
        reject(charge.signal?.reason ?? new AbortError())
      }

      charge.signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters++
      this.#park(waiter)
    })
  }

  #take (budgets: Budget[]): ReleaseBudget {
    for (const budget of budgets) {
      budget.used++
    }

    let released = false

    return () => {
      if (released) {
        return
      }

      released = true

      for (const budget of budgets) {
        budget.used--
      }

      for (const budget of budgets) {
        this.#serve(budget)
      }

      this.#dereference(budgets)
    }
  }

  /**
   * A dial waits at the first of its budgets that has no place left. So
   * whoever waits at a budget waits for a place in it, and a release needs to
   * look at the lines of its own budgets only.
   */
  #park (waiter: Waiter): void {
    const budget = waiter.budgets.find(budget => !hasPlace(budget))

    if (budget == null) {
      waiter.grant()
      return
    }

    waiter.place = { budget, place: budget.waiting.join(waiter, waiter.priority, waiter.order) }
  }

  #serve (budget: Budget): void {
    while (hasPlace(budget)) {
      const waiter = budget.waiting.shift()

      if (waiter == null) {
        return
      }

      this.#park(waiter)
    }
  }

  #budgetsOf (charge: DialCharge): Budget[] {
    const budgets = [
      this.#budget('all', this.#init.maxParallelAddressDials),
      this.#budget(`peer ${charge.peer}`, this.#init.maxParallelDialsPerPeer)
    ]
    const transportCap = this.#init.maxParallelDialsPerTransport[charge.transport]

    if (transportCap != null) {
      budgets.push(this.#budget(`transport ${charge.transport}`, transportCap))
    }

    if (charge.group != null) {
      budgets.push(this.#budget(`group ${charge.group}`, this.#init.maxParallelDialsPerGroup))
    }

    return budgets
  }

  #budget (key: string, cap: number): Budget {
    let budget = this.#budgets.get(key)

    if (budget == null) {
      budget = { key, cap, used: 0, references: 0, waiting: new WaitingLine() }
      this.#budgets.set(key, budget)
    }

    budget.references++

    return budget
  }

  #dereference (budgets: Budget[]): void {
    for (const budget of budgets) {
      budget.references--

      if (budget.references === 0) {
        this.#budgets.delete(budget.key)
      }
    }
  }
}

function hasPlace (budget: Budget): boolean {
  return budget.used < budget.cap
}
