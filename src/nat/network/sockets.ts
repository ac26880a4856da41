import { request } from './http.ts'
import { defaultGateways, interfaceAddresses } from './routes.ts'
import { openUDP } from './udp.ts'
import type { Network } from './types.ts'

/**
 * The network of this machine. `undefined` where there are no sockets.
 */
export const systemNetwork: Network | undefined = { openUDP, request, defaultGateways, interfaceAddresses }
