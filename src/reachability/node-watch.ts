import { familyOf, isPublicIp } from '../addresses/index.ts'
import { nextNodeState, UNKNOWN_NODE } from './node-state.ts'
import { isUndecidable } from './probing/address-state.ts'
import type { Agenda } from './agenda.ts'
import type { DoubleNAT, ReachabilityChange, ReachabilityStatus } from './events.ts'
import type { Clock } from '../clock.ts'
import type { NodeState } from './node-state.ts'
import type { Candidate } from './probing/candidates.ts'

/**
 * What {@link NodeWatch} looks at and whom it tells
 */
export interface NodeWatchEnvironment {
  agenda: Agenda
  clock: Clock
  settleTime: number

  /**
   * In how many networks servers have to get through before the node is public
   */
  requiredNetworks: number
  getCandidates(): Candidate[]
  hasServers(): boolean
  lacksGateway(): boolean
  observedAddress(): string | undefined
  onChange(detail: ReachabilityChange): void
  onDoubleNAT(detail: DoubleNAT): void
}

const JOB = 'node'

/**
 * Draws from everything that is known whether others can reach this node
 */
export class NodeWatch {
  readonly #env: NodeWatchEnvironment
  #state: NodeState = UNKNOWN_NODE
  #gatewayAddress?: string
  #previousAddress?: string
  #doubleNAT?: DoubleNAT

  constructor (env: NodeWatchEnvironment) {
    this.#env = env
  }

  /**
   * What is known now
   */
  get status (): ReachabilityStatus {
    const { state, ip4, ip6, reason } = this.#state

    return { state, ip4: ip4.state, ip6: ip6.state, reason }
  }

  /**
   * What the gateway told about its external address
   */
  setEvidence (gatewayAddress: string | undefined, previousAddress: string | undefined): void {
    this.#gatewayAddress = gatewayAddress
    this.#previousAddress = previousAddress
    this.update()
  }

  /**
   * Something changed
   */
  update (): void {
    this.#judge()
    const previous = this.status
    this.#state = nextNodeState(this.#state, {
      addresses: this.#env.getCandidates().map(({ socket, state, origin }) => ({ family: socket.family, status: state.status, origin, confirmedBy: state.confirmedBy, isUndecidable: isUndecidable(state) })),
      requiredNetworks: this.#env.requiredNetworks,
      hasServers: this.#env.hasServers(),
      lacksGateway: this.#env.lacksGateway(),
      isDoubleNAT: this.#doubleNAT != null
    }, this.#env.clock.now(), this.#env.settleTime)

    if (this.#state.wakeAt == null) {
      this.#env.agenda.delete(JOB)
    } else {
      this.#env.agenda.set(JOB, this.#state.wakeAt, () => { this.update() })
    }

    const { status } = this

    if (status.state !== previous.state || status.ip4 !== previous.ip4 || status.ip6 !== previous.ip6 || status.reason !== previous.reason) {
      this.#env.onChange({ ...status, previous: previous.state })
    }
  }

  /**
   * Forget everything
   */
  reset (): void {
    this.#env.agenda.delete(JOB)
    this.#gatewayAddress = undefined
    this.#previousAddress = undefined
    this.#doubleNAT = undefined
    const { state: previous } = this.status
    this.#state = UNKNOWN_NODE

    if (previous !== 'unknown') {
      this.#env.onChange({ ...this.status, previous })
    }
  }

  #judge (): void {
    const verdict = judgeDoubleNAT({
      gatewayAddress: this.#gatewayAddress,
      previousAddress: this.#previousAddress,
      observedAddress: this.#env.observedAddress()
    })
    const isNew = verdict != null && (verdict.gatewayAddress !== this.#doubleNAT?.gatewayAddress || verdict.observedAddress !== this.#doubleNAT.observedAddress)
    this.#doubleNAT = verdict

    if (isNew) {
      this.#env.onDoubleNAT(verdict)
    }
  }
}

/**
 * What a double NAT is recognised by
 */
export interface DoubleNATEvidence {
  /**
   * The external address the gateway told last; empty if it has none,
   * `undefined` if it was not asked
   */
  gatewayAddress?: string

  /**
   * The public address the gateway had before
   */
  previousAddress?: string

  /**
   * The address enough peers see
   */
  observedAddress?: string
}

/**
 * Whether another NAT is behind the gateway. A gateway without an address may
 * just be offline: then peers last saw the address it had before, and nothing
 * follows from that.
 */
export function judgeDoubleNAT ({ gatewayAddress, previousAddress, observedAddress }: DoubleNATEvidence): DoubleNAT | undefined {
  if (gatewayAddress == null) {
    return undefined
  }

  const isNone = familyOf(gatewayAddress) == null || gatewayAddress === '0.0.0.0'

  if (!isNone && !isPublicIp(gatewayAddress)) {
    return { gatewayAddress, observedAddress }
  }

  if (observedAddress == null || observedAddress === gatewayAddress || (isNone && observedAddress === previousAddress)) {
    return undefined
  }

  return { gatewayAddress: isNone ? '' : gatewayAddress, observedAddress }
}
