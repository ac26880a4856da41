import type { Network } from './network.ts'

/**
 * Browsers have no sockets, so nothing can be asked of a gateway
 */
export const systemNetwork: Network | undefined = undefined
