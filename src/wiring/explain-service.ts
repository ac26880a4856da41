import { recordDecisions } from './decisions-recorder.ts'
import { DecisionLog } from './decisions.ts'
import type { Decision, DecisionFilter } from './decisions.ts'
import type { ConnectionManagerEvents } from './events.ts'
import type { PeerExplanation } from './explain-types.ts'
import type { ExplainComponents, ExplainInit } from './explain.ts'
import type { PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface ExplainerComponents extends Omit<ExplainComponents, 'decisions'> {
  events: TypedEventTarget<ConnectionManagerEvents>
}

/**
 * Says why things are as they are
 */
export interface Explainer {
  /**
   * Everything that there is to say about a peer. Takes time in proportion to the number
   * of open connections. A page fetches what it takes the first time.
   *
   * @param peer - the peer, or the text of its id
   * @throws {InvalidOptionError} if it is not the id of a peer
   */
  explain(this: void, peer: PeerId | string): Promise<PeerExplanation>

  /**
   * What was decided lately, the latest at the end: the last 500 decisions of each kind,
   * or those of them that are asked for
   *
   * @throws {InvalidOptionError} if `since` or `limit` is not a number
   */
  decisions(this: void, filter?: DecisionFilter): Decision[]
}

/**
 * Notes decisions from now on
 */
export function createExplainer ({ events, ...components }: ExplainerComponents, init: ExplainInit): Explainer {
  const decisions = new DecisionLog(components.clock.wall)
  recordDecisions(decisions, events)

  return {
    explain: async peer => {
      const { explain } = await import('./explain.ts')

      return explain(peer, { ...components, decisions }, init)
    },
    decisions: filter => decisions.list(filter)
  }
}
