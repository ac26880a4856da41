import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { FAST_LIVENESS, NORMAL_LIVENESS } from '../../src/index.ts'
import { resolveRealmSettings } from '../../src/trimming/realm-settings.ts'
import { livenessTimes } from '../../src/wiring/liveness-times.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import type { LivenessTimes, RealmSettings } from '../../src/index.ts'
import type { PeerId } from '@libp2p/interface'

type Settings = Record<string, RealmSettings>

describe('wiring/liveness-times', () => {
  const log = defaultLogger().forComponent('test')
  const member = stubPeerId()
  const other = stubPeerId()

  function timesOf (liveness: (LivenessTimes & { timesOf?(peerId: PeerId): Partial<LivenessTimes> | false | undefined }) | false, settings: Settings): ReturnType<typeof livenessTimes> {
    return livenessTimes({ liveness, realmSettings: resolveRealmSettings(settings, 0.8) }, peerId => peerId === member ? 'chain' : undefined, log)
  }

  it('are those of the manager for peers in no realm', () => {
    expect(timesOf(NORMAL_LIVENESS, { chain: { liveness: FAST_LIVENESS } })?.(other)).to.deep.equal(NORMAL_LIVENESS)
  })

  it('are those of the realm, and of the manager where they are left out', () => {
    expect(timesOf(NORMAL_LIVENESS, { chain: { liveness: { interval: 1 } } })?.(member)).to.deep.equal({ ...NORMAL_LIVENESS, interval: 1 })
    expect(timesOf(NORMAL_LIVENESS, { chain: { liveness: false } })?.(member)).to.be.false()
    expect(timesOf(NORMAL_LIVENESS, { chain: { gracePeriod: 5 } })?.(member)).to.deep.equal(NORMAL_LIVENESS)
  })

  it('are those that the user tells for a peer before all', () => {
    const liveness = { ...NORMAL_LIVENESS, timesOf: (peerId: PeerId) => peerId === member ? FAST_LIVENESS : undefined }

    expect(timesOf(liveness, { chain: { liveness: false } })?.(member)).to.include(FAST_LIVENESS)
  })

  it('are as for all others where the user leaves them out for a peer', () => {
    const liveness = { ...NORMAL_LIVENESS, timesOf: () => ({ maxMisses: 9 }) }

    expect(timesOf(liveness, {})?.(member)).to.include({ interval: NORMAL_LIVENESS.interval, maxMisses: 9 })
  })

  it('fall back on the realm when the user\'s function throws', () => {
    const liveness = { ...NORMAL_LIVENESS, timesOf: () => { throw new Error('Nobody knows') } }

    expect(timesOf(liveness, { chain: { liveness: { interval: 1 } } })?.(member)).to.include({ interval: 1 })
  })

  it('are only those of realms where the manager watches nobody', () => {
    expect(timesOf(false, {})).to.be.undefined()
    expect(timesOf(false, { chain: { liveness: false } })).to.be.undefined()
    expect(timesOf(false, { chain: { liveness: { interval: 1 } } })?.(member)).to.deep.equal({ ...NORMAL_LIVENESS, interval: 1 })
    expect(timesOf(false, { chain: { liveness: { interval: 1 } } })?.(other)).to.be.false()
  })
})
