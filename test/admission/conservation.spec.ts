import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { AllowList } from '../../src/admission/index.ts'
import { OTHER_PEER, PEER, Scene, tcp } from './admission-scene.ts'
import type { ConnectionEntry } from '../../src/core/index.ts'

describe('admission/conservation', () => {
  it('holds exactly what is open, in any order of events', function () {
    this.timeout(20_000)
    const address = fc.constantFrom('203.0.113.7', '203.0.113.8', '198.51.100.1', '203.0.113.99', '192.0.2.1', '192.0.3.1', '2a01:4f8::1', '2a01:4f8:0:100::1', '127.0.0.1').map(tcp)
    const step = fc.record({
      action: fc.constantFrom('admit', 'admit', 'admit', 'upgrade', 'identify', 'release', 'release again', 'account', 'limit', 'wait'),
      address,
      pick: fc.nat(),
      peer: fc.constantFrom(PEER, OTHER_PEER)
    })

    fc.assert(fc.property(fc.array(step, { maxLength: 150 }), steps => {
      const scene = new Scene({
        maxConnections: 6,
        maxPending: 4,
        pending: { ipv4: [{ prefix: 24, connections: 2 }, { prefix: 16, connections: Infinity }], relay: 2 },
        subnets: { ipv4: [{ prefix: 32, connections: 2 }], ipv6: [{ prefix: 48, connections: 2 }] },
        rates: { ipv4: [{ prefix: 32, perSecond: 1, burst: 5 }] }
      }, { allowList: new AllowList([`/ip4/203.0.113.99/p2p/${PEER}`]) })
      const held: ConnectionEntry[] = []
      const released: ConnectionEntry[] = []
      const accounted = new Set<ConnectionEntry>()
      const forget = (entry: ConnectionEntry): void => {
        held.splice(held.indexOf(entry), 1)
        released.push(entry)
      }

      for (const { action, address, pick, peer } of steps) {
        const entry = held[pick % held.length]

        switch (true) {
          case action === 'admit': {
            const open = scene.open.size
            const result = scene.try(address, () => {
              expect(held.filter(({ phase }) => phase === 'closed').every(({ scope }) => scope?.released), 'it has given back everything by then').to.be.true()
            })
            const gaveWay = held.filter(({ phase }) => phase === 'closed')
            held.push(...result === 'admitted' ? [...scene.all].slice(-1) : [])
            expect(gaveWay.length, 'one for one').to.be.at.most(1)
            gaveWay.forEach(forget)
            expect([scene.open.size, scene.evicted.length], 'it closes none that is open').to.deep.equal([open, 0])
            break
          }
          case action === 'account':
            held.push(scene.account('/memory/1'))
            accounted.add(held[held.length - 1])
            break
          case action === 'limit':
            scene.pipeline.setSubnetLimits({ ipv4: [{ prefix: 32, connections: 2 }, { prefix: 16, connections: 3 + pick % 3 }] })
            break
          case action === 'wait':
            scene.clock.advance(pick % 2_000).catch(() => {})
            break
          case action === 'release again':
            released.slice(-1).forEach(entry => {
              scene.close(entry)
              scene.pipeline.upgraded(entry)
            })
            break
          case entry == null:
            break
          case action === 'upgrade':
            if (entry.isPending && entry.scope?.peer != null) {
              scene.upgrade(entry)
            }
            break
          case action === 'identify':
            if (entry.isPending && entry.scope?.peer == null) {
              scene.identify(entry, peer)
            }
            break
          default:
            scene.close(entry)
            forget(entry)
        }

        const ordinary = held.filter(entry => !entry.isAllowListed && !accounted.has(entry))
        expect(scene.held).to.equal(held.length)
        expect(scene.reserved).to.equal(held.length)
        expect(scene.pipeline.pending).to.equal(held.filter(({ isPending }) => isPending).length)
        expect(ordinary.filter(({ ip }) => ip?.text === '203.0.113.7')).to.have.lengthOf.at.most(2)
        expect(ordinary.filter(({ scope }) => scope?.peer != null).length).to.be.at.most(6)
        expect(ordinary.filter(({ isPending }) => isPending).length).to.be.at.most(4)
      }

      held.forEach(entry => { scene.close(entry) })
      expect(scene.reserved).to.equal(0)
      expect(scene.pipeline.pending).to.equal(0)
    }), { numRuns: 300 })
  })
})
