import { expect } from 'aegir/chai'
import { OTHER_PEER, PEER, Scene, candidate, tcp } from './admission-scene.ts'

describe('admission/connection-places', () => {
  it('counts those whose peer is known, so that several can not take the last place', () => {
    const scene = new Scene({ maxConnections: 3 })
    scene.connect(tcp('203.0.113.1'))
    const [second, third, fourth] = [2, 3, 4].map(i => scene.admit(tcp(`203.0.113.${i}`)))

    expect([second, third].map(admission => scene.identify(admission, PEER))).to.deep.equal([undefined, undefined])
    expect(scene.identify(fourth, OTHER_PEER)).to.deep.equal({ reason: 'max-connections', scope: 'system', current: 3, limit: 3 })

    scene.close(second)
    expect(scene.identify(fourth, OTHER_PEER)).to.be.undefined()
  })

  it('closes nobody for a connection whose peer is not known yet', () => {
    const scene = new Scene({ maxConnections: 1 })
    scene.connect(tcp('203.0.113.1'))
    scene.candidates = Array.from({ length: 30 }, (_, i) => candidate(i))

    expect(Array.from({ length: 20 }, (_, i) => scene.try(tcp(`198.51.100.${i}`)))).to.deep.equal(Array.from({ length: 20 }, () => 'admitted'))
    expect(scene.evicted).to.be.empty()
  })

  it('lets a newcomer in for a connection that is worse, on small nodes as well', () => {
    for (const count of [1, 5, 20, 5_000]) {
      const scene = new Scene({ maxConnections: 1 })
      scene.connect(tcp('203.0.113.1'))
      scene.candidates = Array.from({ length: count }, (_, i) => candidate(i))

      expect(scene.identify(scene.admit(tcp('203.0.113.2')), PEER)).to.be.undefined()
      expect(scene.evicted).to.deep.equal([String(count - 1)])
    }
  })

  it('refuses when all are exempt, except for those who are trusted', () => {
    const scene = new Scene({ maxConnections: 1 }, { isTrusted: peer => peer === OTHER_PEER })
    scene.connect(tcp('203.0.113.1'))
    const [stranger, trusted] = [2, 3].map(i => scene.admit(tcp(`203.0.113.${i}`)))

    expect(scene.identify(stranger, PEER)?.reason).to.equal('max-connections')
    expect(scene.identify(trusted, OTHER_PEER)).to.be.undefined()
    expect(scene.evicted).to.be.empty()
  })

  it('closes nobody for a newcomer that can not come in', () => {
    const scene = new Scene({ maxConnections: 1 })
    scene.connect(tcp('203.0.113.1'))
    scene.candidates = Array.from({ length: 30 }, (_, i) => candidate(i))
    scene.resources.setLimit('peer', { connectionsInbound: 0 })

    expect(scene.identify(scene.admit(tcp('203.0.113.2')), PEER)).to.deep.include({ reason: 'resources', scope: `peer:${PEER}` })
    expect(scene.evicted).to.be.empty()
  })

  it('closes nobody else when somebody of the same realm has left', () => {
    const scene: Scene = new Scene({ maxConnections: 1 }, { realms: { makeRoomFor: () => { scene.open.clear() } } })
    scene.connect(tcp('203.0.113.1'))
    scene.candidates = Array.from({ length: 30 }, (_, i) => candidate(i))

    expect(scene.identify(scene.admit(tcp('203.0.113.2')), PEER, 'chain')).to.be.undefined()
    expect(scene.evicted).to.be.empty()
  })

  it('does not choose among many all the time', async () => {
    const scene = new Scene({ maxConnections: 0 })
    scene.candidates = Array.from({ length: 1_000 }, (_, i) => candidate(i))
    const [first, second, third] = [2, 3, 4].map(i => scene.admit(tcp(`203.0.113.${i}`)))

    expect(scene.identify(first, PEER)).to.be.undefined()
    expect(scene.identify(second, PEER)?.reason).to.equal('max-connections')
    await scene.clock.advance(10)
    expect(scene.identify(third, PEER)).to.be.undefined()
  })

  it('leaves the last place to those who have not misbehaved', () => {
    const scene = new Scene({ maxConnections: 3 }, { discouraged: { hasIp: ip => ip.text.startsWith('203.0.113.'), hasPeer: () => false } })
    scene.connect(tcp('203.0.113.1'))
    scene.connect(tcp('198.51.100.1'))

    expect(scene.try(tcp('203.0.113.2'))).to.equal('discouraged')
    expect(scene.try(tcp('198.51.100.2'))).to.equal('admitted')
  })

  it('leaves the last place to those who have not misbehaved, also when several begin at the same time', () => {
    const scene = new Scene({ maxConnections: 3 }, { isTrusted: peer => peer === OTHER_PEER, discouraged: { hasIp: ip => ip.text.startsWith('203.0.113.'), hasPeer: () => false } })
    const handshakes = [1, 2, 3, 4].map(i => scene.admit(tcp(`203.0.113.${i}`)))

    expect(handshakes.map(admission => scene.identify(admission, PEER)?.reason)).to.deep.equal([undefined, undefined, 'discouraged', 'discouraged'])
    expect(scene.identify(handshakes[3], OTHER_PEER)).to.be.undefined()
  })

  it('can change how many that is', () => {
    const scene = new Scene({ maxConnections: 0 })
    const admission = scene.admit(tcp('203.0.113.1'))
    expect(scene.identify(admission, PEER)?.reason).to.equal('max-connections')
    scene.pipeline.maxConnections = 1
    expect(scene.identify(admission, PEER)).to.be.undefined()
  })
})
