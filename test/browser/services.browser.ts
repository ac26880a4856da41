import { Circuit, WebRTC } from '@multiformats/multiaddr-matcher'
import { describeServices } from '../drop-in/services-suite.ts'
import { browserNodeOptions, describeWithWebRTC } from './fixtures/browser-nodes.ts'
import { nodePeer } from './fixtures/control.ts'

const { openRelay, relay } = nodePeer

// services do not run over a relay that limits what it relays
describeServices('circuit relay in a browser', {
  options: () => ({ ...browserNodeOptions(), addresses: { listen: [`${openRelay.ws[0]}/p2p-circuit`] } }),
  matches: address => Circuit.exactMatch(address)
})

describeWithWebRTC('browser: between nodes of one page', () => {
  describeServices('WebRTC', {
    options: () => ({ ...browserNodeOptions(), addresses: { listen: [`${relay.ws[0]}/p2p-circuit`, '/webrtc'] } }),
    matches: address => WebRTC.exactMatch(address)
  })
})
