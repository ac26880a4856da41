import { expect } from 'aegir/chai'
import { IpAddress } from '../../src/addresses/index.ts'
import { AllowList, DialBacks, pendingLimits } from '../../src/admission/index.ts'
import { cidrSet } from '../../src/gating/index.ts'
import { defaultSubnetLimits } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { OTHER_PEER, PEER, Scene, candidate, tcp } from './admission-scene.ts'
import type { AdmissionComponents, AdmissionLimits } from '../../src/admission/index.ts'

describe('admission/admission-pipeline', () => {
  it('admits nobody before it is started and after it is stopped', () => {
    const scene = new Scene()
    scene.pipeline.stop()
    expect(scene.try(tcp('203.0.113.7'))).to.equal('stopped')
    scene.pipeline.start()
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })

  it('refuses the banned, the denied and those outside of net-restrict, though they are allow-listed', () => {
    const everyone = ['0.0.0.0/0', '::/0']
    const scene = new Scene({}, {
      bans: { ofIp: ip => ip.text === '203.0.113.1' ? 'ban' : undefined, ofPeer: () => undefined },
      deny: cidrSet(['203.0.113.2']),
      netRestrict: cidrSet(['203.0.113.0/24']),
      allowList: new AllowList(everyone)
    })

    expect(['203.0.113.1', '203.0.113.2', '203.0.114.3', '2a01::1', '203.0.113.4'].map(ip => scene.try(tcp(ip))))
      .to.deep.equal(['banned', 'denied', 'net-restrict', 'net-restrict', 'admitted'])
    expect(scene.try(`${tcp('203.0.113.4')}/p2p/${PEER}/p2p-circuit`), 'the address is the relay\'s').to.equal('net-restrict')
    expect(scene.refusals[0]).to.deep.equal({ reason: 'banned', scope: 'ip:203.0.113.1', current: 0, limit: 0 })
    expect(scene.reserved).to.equal(1)
  })

  it('refuses what a banned peer relays', () => {
    const scene = new Scene({}, { bans: { ofIp: () => undefined, ofPeer: peer => peer === PEER ? 'ban' : undefined } })

    expect(scene.try(`${tcp('203.0.113.4')}/p2p/${PEER}/p2p-circuit`)).to.equal('banned')
    expect(scene.refusals[0].scope).to.equal(`relay:${PEER}`)
    expect(scene.try(`${tcp('203.0.113.4')}/p2p/${OTHER_PEER}/p2p-circuit`)).to.equal('admitted')
  })

  it('limits how often an address connects, and gives the token back when something else refuses', async () => {
    const scene = new Scene({ maxPending: 1, rates: { ipv4: [{ prefix: 32, perSecond: 0.2, burst: 2 }] } })
    const first = scene.admit(tcp('203.0.113.7'))

    for (let i = 0; i < 10; i++) {
      expect(scene.try(tcp('203.0.113.7'))).to.equal('pending')
    }

    scene.close(first)
    scene.close(scene.admit(tcp('203.0.113.7')))
    expect(scene.try(tcp('203.0.113.7'))).to.equal('rate')
    expect(scene.refusals.at(-1)).to.deep.equal({ reason: 'rate', scope: 'subnet:203.0.113.7/32', current: 2, limit: 2 })

    await scene.clock.advance(5_000)
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })

  it('slow handshakes of one network do not keep others out', () => {
    const scene = new Scene({ maxPending: 10, pending: pendingLimits(10) })
    const attackers = Array.from({ length: 20 }, (_, i) => scene.try(tcp(`203.0.113.${i}`)))

    expect(attackers.filter(result => result === 'admitted')).to.have.lengthOf(5)
    expect(scene.refusals[0]).to.deep.equal({ reason: 'subnet-pending', scope: 'subnet:203.0.113.0/24', current: 5, limit: 5 })
    expect(scene.try(tcp('198.51.100.1'))).to.equal('admitted')
    expect(scene.pipeline.pending).to.equal(6)
  })

  it('connections through one relay wait at the expense of that relay, not of its address', () => {
    const scene = new Scene({ maxPending: 15, pending: pendingLimits(10), subnets: defaultSubnetLimits(), rates: defaultSubnetLimits().rates })
    const relayed = (relay: string): string => `${tcp('203.0.113.7')}/p2p/${relay}/p2p-circuit/p2p/${OTHER_PEER}`
    const results = Array.from({ length: 10 }, () => scene.try(relayed(PEER)))

    expect(results.filter(result => result === 'admitted')).to.have.lengthOf(5)
    expect(scene.refusals[0]).to.deep.equal({ reason: 'subnet-pending', scope: `relay:${PEER}`, current: 5, limit: 5 })
    expect(scene.try(relayed(OTHER_PEER))).to.equal('admitted')
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
    expect(scene.try(`/webrtc/p2p/${PEER}`)).to.equal('admitted')
  })

  it('lets nobody in while there is too much to do', () => {
    let isBusy = true
    const scene = new Scene({}, { load: { check: () => isBusy ? { scope: 'heap', current: 0.99, limit: 0.95 } : undefined } })
    expect(scene.try(tcp('203.0.113.7'))).to.equal('load')
    isBusy = false
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })

  it('limits how many connections an address has', () => {
    const scene = new Scene({ subnets: defaultSubnetLimits() })
    const open = Array.from({ length: 8 }, () => scene.connect(tcp('203.0.113.7')))
    expect(scene.try(tcp('203.0.113.7'))).to.equal('subnet')
    expect(scene.try(tcp('203.0.113.8'))).to.equal('admitted')

    scene.close(open[0])
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })

  it('does not limit loopback and private addresses by default', () => {
    const scene = new Scene({ maxPending: 200, pending: pendingLimits(200), subnets: defaultSubnetLimits(), rates: defaultSubnetLimits().rates })

    for (let i = 0; i < 100; i++) {
      expect(scene.try(tcp('127.0.0.1'))).to.equal('admitted')
    }
  })

  describe('for a host that this node has asked to dial it', () => {
    const rates = { ipv4: [{ prefix: 32, perSecond: 0, burst: 1 }] }
    const HOST = new IpAddress(4, [0xcb007107])
    let dialBacks: DialBacks
    let isBusy: boolean

    function start (limits: Partial<AdmissionLimits> = {}, components: Partial<AdmissionComponents> = {}): Scene {
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
        knock: ip => scene.try(tcp(ip), () => { aborted.push(ip) })
      }
    }

    it('closes one of a crowded network, which gives back what it has taken', () => {
      const { scene, aborted, knock } = start()
      expect(['203.0.113.1', '203.0.114.1', '203.0.115.1', '198.51.100.1'].map(knock)).to.deep.equal(Array.from({ length: 4 }, () => 'admitted'))

      expect(knock('192.0.2.1')).to.equal('admitted')
      expect(aborted).to.have.lengthOf(1)
      expect(aborted[0]).to.match(/^203\.0\./)
      expect(scene.refusals, 'that it was closed is told').to.deep.equal([{ reason: 'pending', scope: 'system', current: 4, limit: 4 }])
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

  describe('for those who are allow-listed', () => {
    it('lifts the limits, up to what is kept for them', () => {
      const scene = new Scene(
        { maxConnections: 0, maxPending: 0, subnets: { ipv4: [{ prefix: 32, connections: 0 }] }, rates: { ipv4: [{ prefix: 32, perSecond: 0, burst: 0 }] } },
        { allowList: new AllowList(['203.0.113.7']), load: { check: () => ({ scope: 'heap', current: 1, limit: 0 }) } }
      )
      scene.resources.setLimit('system', { connectionsInbound: 0 })

      expect(['203.0.113.7', '203.0.113.7', '203.0.113.7', '203.0.113.8'].map(ip => scene.try(tcp(ip))))
        .to.deep.equal(['admitted', 'admitted', 'resources', 'rate'])
      expect(scene.refusals[0]).to.deep.include({ reason: 'resources', scope: 'allowListed', limit: 2 })
    })

    it('holds the limits against a peer that is not the one of the entry', () => {
      const scene = new Scene(
        { maxConnections: 10, subnets: { ipv4: [{ prefix: 32, connections: 1 }] } },
        { allowList: new AllowList([`/ip4/203.0.113.7/p2p/${PEER}`]) }
      )
      const [first, second, third] = [1, 2, 3].map(() => scene.admit(tcp('203.0.113.7')))

      expect(scene.identify(first, PEER)).to.be.undefined()
      expect(first.isAllowListed).to.be.true()
      expect(scene.identify(second, OTHER_PEER)).to.be.undefined()
      expect(second.isAllowListed).to.be.false()
      expect(scene.identify(third, OTHER_PEER)).to.deep.equal({ reason: 'subnet', scope: 'subnet:203.0.113.7/32', current: 1, limit: 1 })

      ;[first, second, third].forEach(admission => { scene.close(admission) })
      expect(scene.held).to.equal(0)
      expect(scene.reserved).to.equal(0)
      scene.admit(tcp('203.0.113.7'))
    })

    it('lets that peer take the place of a worse one, if there is one', () => {
      const scene = new Scene({ maxConnections: 1 }, { allowList: new AllowList([`/ip4/203.0.113.7/p2p/${PEER}`]) })
      scene.connect(tcp('198.51.100.1'))
      const admission = scene.admit(tcp('203.0.113.7'))

      expect(scene.identify(admission, OTHER_PEER)?.reason).to.equal('max-connections')
      scene.candidates = Array.from({ length: 30 }, (_, i) => candidate(i))
      expect(scene.identify(admission, OTHER_PEER)).to.be.undefined()
      expect(scene.evicted).to.deep.equal(['29'])
    })
  })

  describe('once the peer is known', () => {
    it('refuses the banned, and this node itself', () => {
      const scene = new Scene({}, { self: PEER, bans: { ofIp: () => undefined, ofPeer: peer => peer === OTHER_PEER ? 'ban' : undefined } })
      const admission = scene.admit(tcp('203.0.113.7'))

      expect(scene.identify(admission, OTHER_PEER)).to.deep.equal({ reason: 'banned', scope: `peer:${OTHER_PEER}`, current: 0, limit: 0 })
      expect(scene.identify(admission, PEER)).to.deep.equal({ reason: 'self', scope: `peer:${PEER}`, current: 0, limit: 0 })
      expect(scene.refusals).to.have.lengthOf(2)
    })

    it('holds the limits of the peer and of the realm', () => {
      const scene = new Scene()
      scene.resources.setLimit('realm:chain', { connections: 1 })
      const [first, second, third, fourth] = [1, 2, 3, 4].map(() => scene.admit(tcp('203.0.113.7')))

      expect(scene.identify(first, PEER, 'chain')).to.be.undefined()
      expect(scene.identify(second, OTHER_PEER, 'chain')).to.deep.include({ reason: 'resources', scope: 'realm:chain', limit: 1 })
      expect(scene.identify(third, PEER)).to.be.undefined()
      expect(scene.identify(fourth, PEER)).to.deep.include({ reason: 'resources', scope: `peer:${PEER}`, current: 2, limit: 2 })
    })

    it('asks for room in a realm when nothing else keeps the peer out, and only for who is in one', () => {
      const asked: string[] = []
      const scene = new Scene({}, {
        bans: { ofIp: () => undefined, ofPeer: peer => peer === OTHER_PEER ? 'ban' : undefined },
        realms: { makeRoomFor: (realm, peer, direction) => { asked.push(`${realm} ${peer} ${direction}`) } }
      })

      scene.identify(scene.admit(tcp('203.0.113.7')), OTHER_PEER, 'chain')
      scene.identify(scene.admit(tcp('203.0.113.7')), PEER)
      expect(asked).to.be.empty()

      scene.identify(scene.admit(tcp('203.0.113.7')), PEER, 'chain')
      expect(asked).to.deep.equal([`chain ${PEER} inbound`])
    })

    it('lets the discouraged stay only while there is room', () => {
      const scene = new Scene({ maxConnections: 2 }, { discouraged: { hasIp: () => false, hasPeer: peer => peer === PEER } })
      const first = scene.admit(tcp('203.0.113.7'))
      expect(scene.identify(first, PEER)).to.be.undefined()

      const second = scene.admit(tcp('203.0.113.8'))
      expect(scene.identify(second, PEER)?.reason).to.equal('discouraged')
    })
  })

  it('accounts for connections that were never asked about', () => {
    const scene = new Scene({ subnets: { ipv4: [{ prefix: 32, connections: 1 }] } })
    const punched = scene.account(tcp('203.0.113.7'))

    expect(punched.isPending).to.be.false()
    expect(scene.reserved).to.equal(1)
    expect(scene.try(tcp('203.0.113.7'))).to.equal('subnet')

    scene.close(punched)
    expect(scene.reserved).to.equal(0)
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })

  it('keeps the counts when the limits change', () => {
    const scene = new Scene()
    const open = ['203.0.113.7', '203.0.113.8'].map(ip => scene.connect(tcp(ip)))
    scene.pipeline.setSubnetLimits({ ipv4: [{ prefix: 24, connections: 2 }] })
    expect(scene.try(tcp('203.0.113.9'))).to.equal('subnet')
    scene.close(open[0])
    expect(scene.try(tcp('203.0.113.9'))).to.equal('admitted')

    scene.pipeline.setRateLimits({ ipv4: [{ prefix: 32, perSecond: 0, burst: 0 }] })
    expect(scene.try(tcp('198.51.100.1'))).to.equal('rate')
  })

  it('gives back what was taken when a reservation fails in an unexpected way', () => {
    let isBroken = true
    const scene: Scene = new Scene({ rates: { ipv4: [{ prefix: 32, perSecond: 0, burst: 1 }] } }, {
      resources: {
        openConnection: options => {
          if (isBroken) {
            throw new Error('broken')
          }

          return scene.resources.openConnection(options)
        }
      }
    })

    expect(() => scene.try(tcp('203.0.113.7'))).to.throw('broken')
    expect(scene.held).to.equal(0)
    isBroken = false
    expect(scene.try(tcp('203.0.113.7'))).to.equal('admitted')
  })
})
