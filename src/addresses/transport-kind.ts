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

/**
 * Which transport a multiaddr is for. A WebRTC address that is signalled through
 * a relay is `webrtc`, as its bytes do not go through the relay.
 */
export function transportKind (multiaddr: Multiaddr): TransportKind {
  let kind: TransportKind = 'other'
  let isTls = false

  for (const { code } of multiaddr.getComponents()) {
    switch (code) {
      case CODE_TCP:
        kind = 'tcp'
        break
      case CODE_QUIC_V1:
        kind = 'quic-v1'
        break
      case CODE_WEBTRANSPORT:
        kind = 'webtransport'
        break
      case CODE_WEBRTC:
        kind = 'webrtc'
        break
      case CODE_WEBRTC_DIRECT:
        kind = 'webrtc-direct'
        break
      case CODE_TLS:
        isTls = true
        break
      case CODE_WS:
        kind = isTls ? 'wss' : 'ws'
        break
      case CODE_WSS:
        kind = 'wss'
        break
      case CODE_P2P_CIRCUIT:
        kind = 'circuit'
        break
      case CODE_MEMORY:
        kind = 'memory'
        break
      default:
        break
    }
  }

  return kind
}
