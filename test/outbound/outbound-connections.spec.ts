import { expect } from 'aegir/chai'
import { OutboundWorld } from './outbound-world.ts'
import type { SkippedCandidate } from '../../src/outbound/index.ts'

describe('outbound: where connections lead', () => {
  it('dials what addresses lead to, and nobody who is only on this host or a local network', async () => {
    const skipped: SkippedCandidate[] = []
    const world: OutboundWorld = new OutboundWorld({ target: 2 }, {
      dialable: async (peerId, multiaddrs) => peerId.equals(world.peer('a1').peerId) ? [] : [...multiaddrs],
      onSkip: candidate => { skipped.push(candidate) },
      valueOf: () => 0
    })
    world.add('a1', 'b1')
    await world.start()
    expect(world.takeStarted()).to.deep.equal(['b1'])
    expect(skipped.map(({ reason }) => reason)).to.include('private')
  })

  it('hangs up on who turns out to be in a network to which there is a connection', async () => {
    const world: OutboundWorld = new OutboundWorld({ target: 2 }, { groupOfConnection: () => 'one', valueOf: () => 0 })
    world.add('a1', 'b1')
    await world.start()
    await world.succeed('a1', 'b1')
    expect(world.closed).to.have.lengthOf(1)
  })
})
