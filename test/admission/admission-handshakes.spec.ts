import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { IpAddress } from '../../src/addresses/index.ts'
import { AllowList, DialBacks, pendingLimits } from '../../src/admission/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { PEER, Scene, tcp } from './admission-scene.ts'
import type { AdmissionComponents, AdmissionLimits } from '../../src/admission/index.ts'
import type { ConnectionScope } from '../../src/resources/index.ts'

describe('admission/admission-pipeline: handshakes', () => {
  describe('for a host that this node has asked to dial it', () => {
    const rates = { ipv4: [{ prefix: 32, perSecond: 0, burst: 1 }] }
    const HOST = new IpAddress(4, [0xcb007107])
    let dialBacks: DialBacks
    let isBusy: boolean

    function start (limits: Partial<AdmissionLimits> = {}, components: Partial<AdmissionComponents<ConnectionScope>> = {}): Scene {
      const clock = new VirtualClock()
      dialBacks = new DialBacks(clock)
      isBusy = false

      return new Scene({ rates, ...limits }, { dialBacks, load: { check: () => isBusy ? { scope: 'heap', current: 1, limit: 0.9 } : undefined }, ...components })
    }

    it('lifts the rate and the load once for each request, and for nobody else', () => {
      const scene = start()
      scene.connect(tcp('203.0.113.7'))
      expect(scene.try(tcp('203.0.113.7')), 'an open connection excuses nothing').to.equal('rate')

      isBusy = true
      dialBacks.expect(HOST)
      expect(scene.try(tcp('203.0.113.8'))).to.equal('load')
      expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
      expect(scene.try(tcp('203.0.113.7'))).to.equal('rate')
    })

    it('takes a token all the same, if there is one', () => {
      let isTooFast = true
      const scene = start({}, { hostRate: { take: () => isTooFast ? { scope: 'ip', current: 5, limit: 5 } : undefined } })
      dialBacks.expect(HOST)

      expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
      isTooFast = false
      expect(scene.try(tcp('203.0.113.7'))).to.equal('rate')
    })

    it('holds all other limits, and what they refuse uses up no request', () => {
      const scene = start({ subnets: { ipv4: [{ prefix: 32, connections: 1 }] } })
      const first = scene.connect(tcp('203.0.113.7'))
      dialBacks.expect(HOST)

      expect(scene.try(tcp('203.0.113.7'))).to.equal('subnet')
      scene.close(first)
      expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
    })
  })

  describe('when there are as many handshakes as there may be', () => {
    function start (limits: Partial<AdmissionLimits> = {}): { scene: Scene, aborted: string[], knock(ip: string): string } {
      const scene = new Scene({ maxPending: 4, pending: pendingLimits(8), ...limits })
      const aborted: string[] = []

      return {
        scene,
        aborted,
        knock: ip => scene.pipeline.admit(multiaddr(tcp(ip)), { abort: () => { aborted.push(ip) } }).refusal?.reason ?? 'admitted'
      }
    }

    it('closes one of a crowded network, which gives back what it has taken', () => {
      const { scene, aborted, knock } = start()
      expect(['203.0.113.1', '203.0.114.1', '203.0.115.1', '198.51.100.1'].map(knock)).to.deep.equal(Array.from({ length: 4 }, () => 'admitted'))

      expect(knock('192.0.2.1')).to.equal('admitted')
      expect(aborted).to.have.lengthOf(1)
      expect(aborted[0]).to.match(/^203\.0\./)
      expect([scene.pipeline.pending, scene.held, scene.reserved]).to.deep.equal([4, 4, 4])
    })

    it('refuses one of a network that is more crowded, or when all have just begun', () => {
      const { aborted, knock } = start()
      ;['203.0.113.1', '203.0.114.1', '198.51.100.1', '198.18.0.1'].forEach(knock)
      expect(knock('203.0.115.1'), 'no worse than its neighbours, which have just begun').to.equal('pending')
      expect(aborted).to.be.empty()
    })

    it('closes the one that waits for longest when all networks are alike', async () => {
      const { scene, aborted, knock } = start()

      for (let i = 0; i < 4; i++) {
        knock(`203.${i}.0.1`)
        await scene.clock.advance(300)
      }

      expect(knock('198.51.100.1')).to.equal('admitted')
      expect(aborted).to.deep.equal(['203.0.0.1'])
      expect(knock('198.52.100.1')).to.equal('pending')
    })

    it('refuses the peer of one that had to go, whatever it says then', async () => {
      const { scene } = start({ maxPending: 1 })
      const admission = scene.admit(tcp('203.0.113.1'))
      await scene.clock.advance(1_000)
      scene.admit(tcp('198.51.100.1'))

      expect(scene.identify(admission, PEER)?.reason).to.equal('pending')
      scene.close(admission)
      expect([scene.pipeline.pending, scene.held, scene.reserved]).to.deep.equal([1, 1, 1])
    })

    it('spares those who are allow-listed', async () => {
      const scene = new Scene({ maxPending: 1, pending: pendingLimits(8) }, { allowList: new AllowList(['203.0.113.1']) })
      scene.admit(tcp('203.0.113.1'))
      await scene.clock.advance(5_000)

      expect(scene.try(tcp('198.51.100.1'))).to.equal('pending')
    })

    it('makes place where what is not upgraded has used up its resources', async () => {
      const { scene, aborted, knock } = start({ maxPending: 100 })
      scene.resources.setLimit('transient', { connectionsInbound: 2 })
      knock('203.0.113.1')
      knock('203.1.113.1')
      expect(knock('198.51.100.1')).to.equal('resources')

      await scene.clock.advance(1_000)
      expect(knock('198.51.100.1')).to.equal('admitted')
      expect(aborted).to.have.lengthOf(1)
      expect([scene.pipeline.pending, scene.held, scene.reserved]).to.deep.equal([2, 2, 2])
    })
  })
})
