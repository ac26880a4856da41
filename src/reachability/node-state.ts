import type { IPFamily } from '../addresses/index.ts'
import type { AddressStatus } from './probing/address-state.ts'

/**
 * Whether others can dial this node
 */
export type Reachability = 'unknown' | 'public' | 'private'

/**
 * Why
 *
 * - `mapped`: a gateway forwards a port
 * - `direct`: the machine has a public address
 * - `forwarded`: the router forwards, though nobody asked it to
 * - `unreachable`: no address can be dialled
 * - `double-nat`: the gateway has no public address itself
 * - `no-gateway`: no gateway answers
 * - `no-servers`: nobody could be asked, or too few
 */
export type ReachabilityReason = 'mapped' | 'direct' | 'forwarded' | 'unreachable' | 'double-nat' | 'no-gateway' | 'no-servers'

/**
 * What is known about one address of the node
 */
export interface NodeAddressVerdict {
  family: IPFamily
  status: AddressStatus
  origin: 'mapped' | 'direct' | 'forwarded'

  /**
   * The networks of the servers that dialled it and got through
   */
  confirmedBy: string[]

  /**
   * No server was able to say anything about it: of its transport, say
   */
  isUndecidable: boolean
}

/**
 * Everything a verdict follows from
 */
export interface NodeInputs {
  addresses: NodeAddressVerdict[]

  /**
   * In how many networks servers have to get through before the node is public
   */
  requiredNetworks: number

  /**
   * Whether there is a server to ask
   */
  hasServers: boolean

  /**
   * Whether the search for a gateway ended without one
   */
  lacksGateway: boolean

  isDoubleNAT: boolean
}

/**
 * What is known about the addresses of one family
 */
export interface FamilyState {
  state: Reachability

  /**
   * Since when something worse than `state` seems true, in ms
   */
  worseSince?: number
}

/**
 * What is known about the node
 */
export interface NodeState {
  state: Reachability
  ip4: FamilyState
  ip6: FamilyState
  reason: ReachabilityReason

  /**
   * When the state may change by itself, in ms
   */
  wakeAt?: number
}

/**
 * The state of a node that knows nothing
 */
export const UNKNOWN_NODE: NodeState = { state: 'unknown', ip4: { state: 'unknown' }, ip6: { state: 'unknown' }, reason: 'no-servers' }

/**
 * How the node's state follows from what is known at `now`. Better news count
 * at once, worse news after they held for `settleTime` ms, so that one lost
 * mapping does not turn the whole node around twice.
 */
export function nextNodeState (state: NodeState, inputs: NodeInputs, now: number, settleTime: number): NodeState {
  const ip4 = nextFamilyState(state.ip4, familyVerdict(state.ip4, inputs, 4), now, settleTime)
  const ip6 = nextFamilyState(state.ip6, familyVerdict(state.ip6, inputs, 6), now, settleTime)
  const waits = [ip4, ip6].flatMap(({ worseSince }) => worseSince == null ? [] : [worseSince + settleTime])
  const overall = best(ip4.state, ip6.state)

  return {
    state: overall,
    ip4,
    ip6,
    reason: reasonFor(overall, inputs, state.reason),
    wakeAt: waits.length === 0 ? undefined : Math.min(...waits)
  }
}

function familyVerdict (state: FamilyState, inputs: NodeInputs, family: IPFamily): Reachability {
  const addresses = inputs.addresses.filter(address => address.family === family)
  // what others can tell must not wait for what nobody can
  const decidable = addresses.filter(({ isUndecidable }) => !isUndecidable)
  const statuses = (decidable.length > 0 ? decidable : addresses).map(({ status }) => status)

  const reachable = addresses.filter(({ status }) => status === 'reachable')

  if (reachable.length > 0 && new Set(reachable.flatMap(({ confirmedBy }) => confirmedBy)).size >= inputs.requiredNetworks) {
    return 'public'
  }

  if (statuses.length > 0 && statuses.every(status => status === 'unreachable')) {
    return 'private'
  }

  if (statuses.length === 0) {
    // the last address was withdrawn; where there never was one nothing is known
    return state.state === 'unknown' ? 'unknown' : 'private'
  }

  // still undecided: what was known holds as long as somebody can be asked
  return inputs.hasServers ? state.state : 'unknown'
}

function nextFamilyState (previous: FamilyState, verdict: Reachability, now: number, settleTime: number): FamilyState {
  if (verdict === previous.state) {
    return { state: verdict }
  }

  if (previous.state !== 'public') {
    return { state: verdict }
  }

  const worseSince = previous.worseSince ?? now

  return now - worseSince >= settleTime ? { state: verdict } : { state: 'public', worseSince }
}

function best (a: Reachability, b: Reachability): Reachability {
  if (a === 'public' || b === 'public') {
    return 'public'
  }

  return a === 'private' || b === 'private' ? 'private' : 'unknown'
}

function reasonFor (state: Reachability, inputs: NodeInputs, previous: ReachabilityReason): ReachabilityReason {
  if (state === 'public') {
    // while worse news settle, what made the node public stands
    return inputs.addresses.find(({ status }) => status === 'reachable')?.origin ?? previous
  }

  if (inputs.isDoubleNAT) {
    return 'double-nat'
  }

  if (!inputs.hasServers && state === 'unknown') {
    return 'no-servers'
  }

  if (inputs.lacksGateway && !inputs.addresses.some(({ origin }) => origin === 'direct')) {
    return 'no-gateway'
  }

  return state === 'unknown' ? 'no-servers' : 'unreachable'
}
