import { familyOf, isPublicIp } from './ip.ts'
import type { DoubleNAT } from './events.ts'

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
