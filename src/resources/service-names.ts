/**
 * Tells the service that a protocol belongs to
 */
export type ServiceOf = (protocol: string) => string | undefined

/**
 * The names that go-libp2p's services give to their streams. Limit files use them.
 */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ['/ipfs/id/1.0.0', 'libp2p.identify'],
  ['/ipfs/id/push/1.0.0', 'libp2p.identify'],
  ['/ipfs/ping/1.0.0', 'libp2p.ping'],
  ['/libp2p/autonat/1.0.0', 'libp2p.autonat'],
  ['/libp2p/dcutr', 'libp2p.holepunch'],
  ['/libp2p/circuit/relay/0.2.0/hop', 'libp2p.relay/v2'],
  ['/libp2p/circuit/relay/0.2.0/stop', 'libp2p.relay/v2']
])

/**
 * The service of a protocol that comes with libp2p
 */
export function libp2pService (protocol: string): string | undefined {
  return SERVICES.get(protocol)
}
