import { entriesOf } from '../core/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { isPrivateNode } from '../outbound/index.ts'
import type { Emit } from './context.ts'
import type { NodeReachabilityStatus } from './events.ts'
import type { ConnectionTable, PeerEntry } from '../core/index.ts'
import type { WhilePrivateConfig } from '../outbound/index.ts'
import type { Reachability } from '../reachability/index.ts'
import type { Trimmer } from '../trimming/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface NodeReachabilityComponents {
  log: Logger
  emit: Emit
  table: Pick<ConnectionTable, 'allPeers'>

  trimmer: Pick<Trimmer, 'lowWater'>
}

const STATES: readonly Reachability[] = ['unknown', 'public', 'private']

/**
 * The part of `lowWater` that relayed connections may take before others do. With
 * more, whoever comes through a relay in numbers could push out the peers that this
 * node has chosen itself.
 */
const MAX_SPARED_PART = 0.25

/**
 * What the manager knows of whether others can dial this node, and what is different
 * while they cannot
 */
export class NodeReachability {
  readonly #components: NodeReachabilityComponents
  readonly #config: WhilePrivateConfig
  #status: NodeReachabilityStatus = { state: 'unknown' }

  /**
   * Called when it is another thing
   */
  onChange: () => void = () => {}

  constructor (components: NodeReachabilityComponents, config: WhilePrivateConfig) {
    this.#components = components
    this.#config = config
  }

  get state (): Reachability {
    return this.#status.state
  }

  /**
   * What is different, if something is
   */
  get whilePrivate (): WhilePrivateConfig {
    return isPrivateNode(this.#status) && this.#config
  }

  /**
   * @throws {InvalidOptionError} if it is no state
   */
  change ({ state, reason }: NodeReachabilityStatus): void {
    const { emit, log } = this.#components
    const previous = this.#status

    if (!STATES.includes(state)) {
      throw new InvalidOptionError('state', state, STATES.map(state => `'${state}'`).join(' or '))
    }

    if (state === previous.state && reason === previous.reason) {
      return
    }

    this.#status = { state, reason }
    log('the node is %s because of %s', state, reason)
    this.onChange()
    emit('reachability:change', { state, reason, previous: previous.state, isPrivate: this.whilePrivate !== false })
  }

  /**
   * Nothing is known any more
   */
  reset (): void {
    this.change({ state: 'unknown' })
  }

  /**
   * Whether a connection is relayed, and others cannot be had
   */
  isSpared ({ limits }: Connection): boolean {
    return limits != null && this.#keepsRelays
  }

  /**
   * The relayed connections that do not go before others of equal value, the oldest of
   * those that are too many. `undefined` if there are none.
   */
  spared (): ReadonlySet<Connection> | undefined {
    if (!this.#keepsRelays) {
      return
    }

    const max = Math.ceil(this.#components.trimmer.lowWater * MAX_SPARED_PART)
    const relayed = [...this.#components.table.allPeers()].filter(isRelayed).flatMap(entriesOf)

    return relayed.length === 0
      ? undefined
      : new Set(relayed.sort((a, b) => a.openedAt - b.openedAt).slice(0, max).map(({ connection }) => connection))
  }

  get #keepsRelays (): boolean {
    const { whilePrivate } = this

    return whilePrivate !== false && whilePrivate.keepRelays
  }
}

/**
 * Whether a peer is only reached through relays that limit what goes through them
 */
function isRelayed ({ connections }: PeerEntry): boolean {
  return connections.every(({ limits }) => limits != null)
}
