import { AbortError } from '@libp2p/interface'
import { withDefaults } from '../options.ts'
import { whenAborted } from '../when-aborted.ts'

/**
 * The caps of {@link DialBudgets}
 */
export interface DialBudgetsInit {
  /**
   * How many dials of single addresses may run at the same time, without those through
   * relays
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
 * How many dials may run at the same time: over all peers and all transports; to one
 * peer (go-libp2p default); over one kind of transport; to one group of addresses, of
 * those that nobody asked for.
 *
 * `tcp`, which WebSockets use too, takes file descriptors: 160 (go-libp2p default).
 * Chromium refuses the 65th `webtransport` session that is still pending. A tab
 * of Chromium may make 500 `webrtc` connections in its life, and every attempt
 * counts. Dials over a `circuit` are not counted over all, as they wait for those of relays.
 */
export const DIAL_BUDGETS: Required<DialBudgetsInit> = {
  maxParallelAddressDials: 320,
  maxParallelDialsPerPeer: 8,
  maxParallelDialsPerTransport: { tcp: 160, webtransport: 48, webrtc: 16, circuit: 64 },
  maxParallelDialsPerGroup: 4
}

/**
 * How many dials may go to one port of one IP address at the same time, also of those that
 * somebody asked for: a server that is up answers all at once, and of one that is not no
 * more is learnt by more. As many as may go to one peer. Private addresses are exempt.
 */
export const MAX_PARALLEL_DIALS_PER_ENDPOINT = 8

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
   * The IP address or name, and the port, that is dialled first
   */
  endpoint?: string

  /**
   * Whether it goes through a relay: it waits for the dial of the relay, and takes no place
   * that this one may need
   *
   * @default false
   */
  isRelayed?: boolean

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
}

interface Waiter {
  readonly budgets: Budget[]
  readonly priority: number
  grant(): void
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

  /**
   * In the order in which they are served
   */
  readonly #waiting: Waiter[] = []

  constructor (init: DialBudgetsInit = {}) {
    this.#init = withDefaults(init, DIAL_BUDGETS)
  }

  /**
   * How many dials run that do not go through a relay
   */
  get running (): number {
    return this.#budgets.get('all')?.used ?? 0
  }

  /**
   * How many dials wait
   */
  get waiting (): number {
    return this.#waiting.length
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
      const { signal, priority = 0 } = charge
      const waiter: Waiter = {
        budgets,
        priority,
        grant: () => {
          stop()
          resolve(this.#take(budgets))
        }
      }
      const stop = whenAborted(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        this.#dereference(budgets)
        reject(signal?.reason ?? new AbortError())
      })

      this.#waiting.splice(this.#waiting.findLastIndex(other => other.priority >= priority) + 1, 0, waiter)
    })
  }

  #take (budgets: Budget[]): ReleaseBudget {
    let isReleased = false
    budgets.forEach(budget => { budget.used++ })

    return () => {
      if (!isReleased) {
        isReleased = true
        budgets.forEach(budget => { budget.used-- })
        this.#dereference(budgets)
        this.#serve()
      }
    }
  }

  /**
   * Whoever waits gets what has become free
   */
  #serve (): void {
    for (let i = 0; i < this.#waiting.length;) {
      if (this.#waiting[i].budgets.every(hasPlace)) {
        const [waiter] = this.#waiting.splice(i, 1)
        waiter.grant()
      } else {
        i++
      }
    }
  }

  #budgetsOf (charge: DialCharge): Budget[] {
    const budgets = [this.#budget(`peer ${charge.peer}`, this.#init.maxParallelDialsPerPeer)]

    if (charge.isRelayed !== true) {
      budgets.push(this.#budget('all', this.#init.maxParallelAddressDials))
    }

    if (charge.endpoint != null) {
      budgets.push(this.#budget(`endpoint ${charge.endpoint}`, MAX_PARALLEL_DIALS_PER_ENDPOINT))
    }

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
      budget = { key, cap, used: 0, references: 0 }
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
