/**
 * What a peer of the swarm does
 *
 * - `validator` connects and does nothing, but the node protects it
 * - `useful` sends a block now and then, for which the node gives it a tag
 * - `busy` keeps a stream open
 * - `idle` connects and does nothing
 * - `flapping` connects and leaves again, over and over
 * - `flooding` opens many connections at once, with several identities
 */
export type Kind = 'validator' | 'useful' | 'busy' | 'idle' | 'flapping' | 'flooding'

export const KINDS: readonly Kind[] = ['validator', 'useful', 'busy', 'idle', 'flapping', 'flooding']

/**
 * One peer of the swarm
 */
export interface PeerPlan {
  name: string
  kind: Kind
  transport: 'tcp' | 'ws'

  /**
   * The address that it connects from, where the system has more than one of its own
   */
  host?: string

  /**
   * When it comes, in ms after the start
   */
  joinAt: number

  /**
   * How many peer ids it has. All have its name and its host.
   */
  identities: number
}

/**
 * How much of the swarm is of a kind, and when the first and the last of these
 * come, as a share of the time
 */
const SHARES: Record<Exclude<Kind, 'idle'>, { share: number, from: number, to: number }> = {
  validator: { share: 0.06, from: 0, to: 0.05 },
  useful: { share: 0.25, from: 0.02, to: 0.3 },
  busy: { share: 0.08, from: 0.05, to: 0.3 },
  flapping: { share: 0.1, from: 0.05, to: 0.4 },
  flooding: { share: 0.03, from: 0.45, to: 0.65 }
}

/**
 * The idle peers come all the time, and make up the rest
 */
const IDLE = { from: 0.05, to: 0.6 }

/**
 * How many peer ids a flooding peer has: more than may come from one host within a
 * second
 */
const FLOODING_IDENTITIES = 12

/**
 * One of so many peers comes over WebSockets. All of these share one address, as
 * the WebSocket of Node.js does not let one choose it.
 */
const WEBSOCKETS = 8

/**
 * Who is in a swarm of `count` peers, and when they come within `duration` ms
 */
export function planSwarm (count: number, duration: number): PeerPlan[] {
  const plans: PeerPlan[] = []

  for (const kind of KINDS) {
    const { from, to } = kind === 'idle' ? IDLE : SHARES[kind]
    const size = kind === 'idle' ? count - others(count) : sizeOf(kind, count)

    for (let i = 0; i < size; i++) {
      plans.push({
        name: `${kind}-${i + 1}`,
        kind,
        transport: kind !== 'flooding' && i % WEBSOCKETS === 1 ? 'ws' : 'tcp',
        host: `127.0.${KINDS.indexOf(kind) + 1}.${i % 250 + 1}`,
        joinAt: Math.round(duration * (from + (to - from) * i / size)),
        identities: kind === 'flooding' ? FLOODING_IDENTITIES : 1
      })
    }
  }

  return plans
}

function sizeOf (kind: Exclude<Kind, 'idle'>, count: number): number {
  return Math.max(1, Math.round(count * SHARES[kind].share))
}

function others (count: number): number {
  return KINDS.reduce((sum, kind) => kind === 'idle' ? sum : sum + sizeOf(kind, count), 0)
}
