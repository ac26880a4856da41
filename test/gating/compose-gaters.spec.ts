import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { composeGaters } from '../../src/gating/index.ts'
import type { ConnectionGater, PeerId } from '@libp2p/interface'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')
const ADDRESS = multiaddr('/ip4/203.0.113.7/tcp/4001')

const ALLOW: ConnectionGater = { denyDialPeer: () => false }
const DENY: ConnectionGater = { denyDialPeer: () => true }

describe('gating/compose-gaters', () => {
  it('denies what either denies', () => {
    expect(composeGaters(ALLOW, ALLOW).denyDialPeer?.(PEER)).to.be.false()
    expect(composeGaters(DENY, ALLOW).denyDialPeer?.(PEER)).to.be.true()
    expect(composeGaters(ALLOW, DENY).denyDialPeer?.(PEER)).to.be.true()
    expect(composeGaters(undefined, DENY).denyDialPeer?.(PEER)).to.be.true()
    expect(composeGaters(DENY, {}).denyDialPeer?.(PEER)).to.be.true()
  })

  it('asks the user first, and ours only about what the user allows', () => {
    const asked: string[] = []
    const gater = (name: string, answer: boolean): ConnectionGater => ({
      denyDialPeer: () => {
        asked.push(name)
        return answer
      }
    })

    composeGaters(gater('user', false), gater('ours', false)).denyDialPeer?.(PEER)
    composeGaters(gater('denying user', true), gater('never', false)).denyDialPeer?.(PEER)
    expect(asked).to.deep.equal(['user', 'ours', 'denying user'])
  })

  it('waits for hooks that are asynchronous, and only for those', async () => {
    const later = (answer: boolean): ConnectionGater => ({ denyDialPeer: async () => answer })

    expect(composeGaters(later(false), ALLOW).denyDialPeer?.(PEER)).to.be.an.instanceOf(Promise)
    await expect(composeGaters(later(false), DENY).denyDialPeer?.(PEER)).to.eventually.be.true()
    await expect(composeGaters(later(true), ALLOW).denyDialPeer?.(PEER)).to.eventually.be.true()
    await expect(composeGaters(ALLOW, later(true)).denyDialPeer?.(PEER)).to.eventually.be.true()
    await expect(composeGaters(later(false), later(false)).denyDialPeer?.(PEER)).to.eventually.be.false()
  })

  it('limits what the user is asked and does not answer at once, and nothing else', async () => {
    const never: ConnectionGater = { denyDialPeer: async () => new Promise(() => {}) }
    const limited: Array<Promise<boolean>> = []
    const deny = async (denied: Promise<boolean>): Promise<boolean> => {
      limited.push(denied)
      return true
    }

    await expect(composeGaters(never, ALLOW, deny).denyDialPeer?.(PEER)).to.eventually.be.true()
    await expect(composeGaters(never, {}, deny).denyDialPeer?.(PEER)).to.eventually.be.true()
    expect(limited).to.have.lengthOf(2)
    expect(composeGaters(ALLOW, ALLOW, deny).denyDialPeer?.(PEER)).to.be.false()
    await expect(composeGaters(ALLOW, { denyDialPeer: async () => false }, deny).denyDialPeer?.(PEER)).to.eventually.be.false()
    expect(limited).to.have.lengthOf(2)
  })

  it('calls methods on their own objects with all arguments', () => {
    class Gater implements ConnectionGater {
      readonly seen: unknown[] = []

      denyOutboundRelayedConnection (source: PeerId, destination: PeerId): boolean {
        this.seen.push(source, destination)
        return false
      }

      filterMultiaddrForPeer (...args: unknown[]): boolean {
        this.seen.push(...args)
        return true
      }
    }

    const user = new Gater()
    const ours = new Gater()
    const composed = composeGaters(user, ours)
    const { denyOutboundRelayedConnection, filterMultiaddrForPeer } = composed
    denyOutboundRelayedConnection?.(PEER, PEER)
    filterMultiaddrForPeer?.(PEER, ADDRESS)

    expect(user.seen).to.deep.equal([PEER, PEER, PEER, ADDRESS])
    expect(ours.seen, 'the filter is the user\'s alone').to.deep.equal([PEER, PEER])
  })

  it('has no hook that neither has', () => {
    const composed = composeGaters(ALLOW, { denyInboundConnection: () => false })

    expect(composed.denyDialPeer).to.be.a('function')
    expect(composed.denyInboundConnection).to.be.a('function')
    expect(composed.denyDialMultiaddr).to.be.undefined()
    expect(composed.filterMultiaddrForPeer).to.be.undefined()
  })

  it('sees hooks that the user sets later', () => {
    const user: ConnectionGater = {}
    const composed = composeGaters(user, {})
    expect(composed.denyDialPeer).to.be.undefined()

    user.denyDialPeer = () => true
    expect(composed.denyDialPeer?.(PEER)).to.be.true()
  })

  it('passes on what the user\'s hook throws', async () => {
    const broken: ConnectionGater = { denyDialPeer: () => { throw new Error('broken') } }

    expect(() => composeGaters(broken, ALLOW).denyDialPeer?.(PEER)).to.throw('broken')
  })
})
