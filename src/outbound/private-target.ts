import { outboundTarget } from './dial-slots.ts'

/**
 * What {@link privateOutboundTarget} looks at
 */
export interface PrivateTargetInput {
  /**
   * The number of outbound connections that was asked for
   */
  readonly target: number

  /**
   * The part of all connections that was asked for
   */
  readonly ratio: number

  /**
   * How many connections are open
   */
  readonly connections: number

  /**
   * How many a trim leaves open: as many as there are where others can dial
   */
  readonly lowWater: number
  readonly factor: number
}

/**
 * How many outbound connections there should be while nobody can dial this node.
 * Never less than where others can, and never more than a trim leaves open.
 */
export function privateOutboundTarget ({ target, ratio, connections, lowWater, factor }: PrivateTargetInput): number {
  // without a watermark there is nothing that tells how many there would be
  const all = lowWater === Infinity ? connections : Math.max(connections, lowWater)
  const raised = Math.min(lowWater, outboundTarget(Math.ceil(target * factor), ratio, all))

  return Math.max(raised, outboundTarget(target, ratio, connections))
}

/**
 * Where the numbers come from that the target depends on
 */
export interface TargetComponents {
  /**
   * How many connections are open
   */
  connectionCount(): number

  /**
   * How many a trim leaves open
   */
  lowWater(): number

  /**
   * How many times as many outbound connections there should be, if nobody can dial
   * this node
   */
  privateFactor(): number | undefined
}

/**
 * How many outbound connections there should be now
 */
export function targetOfTheMoment ({ target, ratio }: { target: number, ratio: number }, { connectionCount, lowWater, privateFactor }: TargetComponents): number {
  const factor = privateFactor()

  return factor == null
    ? outboundTarget(target, ratio, connectionCount())
    : privateOutboundTarget({ target, ratio, factor, connections: connectionCount(), lowWater: lowWater() })
}
