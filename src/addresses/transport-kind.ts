import {
  CODE_MEMORY,
  CODE_P2P_CIRCUIT,
  CODE_QUIC_V1,
  CODE_TCP,
  CODE_TLS,
  CODE_WEBRTC,
  CODE_WEBRTC_DIRECT,
  CODE_WEBTRANSPORT,
  CODE_WS,
  CODE_WSS
} from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The transports that are told apart
 */
export type TransportKind = 'quic-v1' | 'webtransport' | 'webrtc' | 'webrtc-direct' | 'tcp' | 'ws' | 'wss' | 'circuit' | 'memory' | 'other'

const KINDS = new Map<number, TransportKind>([
  [CODE_TCP, 'tcp'],
  [CODE_QUIC_V1, 'quic-v1'],
  [CODE_WEBTRANSPORT, 'webtransport'],
  [CODE_WEBRTC, 'webrtc'],
  [CODE_WEBRTC_DIRECT, 'webrtc-direct'],
  [CODE_WS, 'ws'],
  [CODE_WSS, 'wss'],
  [CODE_P2P_CIRCUIT, 'circuit'],
  [CODE_MEMORY, 'memory']
])

/**
 * Which transport a multiaddr is for. A WebRTC address that is signalled through
 * a relay is `webrtc`, as its bytes do not go through the relay.
 */
export function transportKind (multiaddr: Multiaddr): TransportKind {
  let kind: TransportKind = 'other'
  let isTls = false

  for (const { code } of multiaddr.getComponents()) {
    isTls ||= code === CODE_TLS
    kind = isTls && code === CODE_WS ? 'wss' : KINDS.get(code) ?? kind
  }

  return kind
}
