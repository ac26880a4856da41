import { PROTOCOL_SCALING } from './defaults.ts'

/**
 * Tells the service that a protocol belongs to
 */
export type ServiceOf = (protocol: string) => string | undefined

/**
 * The names that go-libp2p's services give to their streams. Limit files use them.
 */
const SERVICES: ReadonlyMap<string, string> = new Map(PROTOCOL_SCALING.map(({ name, service }) => [name, service]))

/**
 * The service of a protocol that comes with libp2p
 */
export function libp2pService (protocol: string): string | undefined {
  return SERVICES.get(protocol)
}
