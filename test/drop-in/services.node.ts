import { Circuit, TCP, WebSockets } from '@multiformats/multiaddr-matcher'
import { createRelay, socketNodeOptions } from '../fixtures/socket-nodes.ts'
import { describeServices } from './services-suite.ts'
import type { Libp2p } from '@libp2p/interface'

describeServices('TCP', {
  options: () => socketNodeOptions('/ip4/127.0.0.1/tcp/0'),
  matches: address => TCP.matches(address)
})

describeServices('WebSockets', {
  options: () => socketNodeOptions('/ip4/127.0.0.1/tcp/0/ws'),
  matches: address => WebSockets.matches(address)
})

let relay: Libp2p

describeServices('circuit relay', {
  setUp: async () => {
    // services do not run over a relay that limits what it relays
    relay = await createRelay({}, { applyDefaultLimit: false })
  },
  tearDown: async () => relay.stop(),
  options: () => socketNodeOptions(`${relay.getMultiaddrs()[0]}/p2p-circuit`),
  matches: address => Circuit.matches(address)
})
