import { expect } from 'aegir/chai'
import { resolveRealmSettings } from '../../src/trimming/realm-settings.ts'
import type { RealmSettings } from '../../src/index.ts'

describe('trimming/realm-settings', () => {
  it('has no watermarks by default', () => {
    expect(resolveRealmSettings({ chain: { gracePeriod: 5 } }, 0.8).get('chain')).to.deep.equal({ gracePeriod: 5, highWater: Infinity, lowWater: Infinity })
  })

  it('derives the low watermark from the high one', () => {
    expect(resolveRealmSettings({ chain: { highWater: 10 } }, 0.8).get('chain')).to.include({ lowWater: 8 })
    expect(resolveRealmSettings({ chain: { highWater: 1 } }, 0.8).get('chain')).to.include({ lowWater: 1 })
    expect(resolveRealmSettings({ chain: { highWater: 10, lowWater: 0 } }, 0.8).get('chain')).to.include({ lowWater: 0 })
  })

  const BAD: Array<[field: string, settings: unknown]> = [
    ['realmSettings.chain', 5],
    ['realmSettings.chain.gracePeriod', { gracePeriod: -1 }],
    ['realmSettings.chain.highWater', { highWater: 0 }],
    ['realmSettings.chain.lowWater', { lowWater: 5 }],
    ['realmSettings.chain.lowWater', { highWater: 5, lowWater: 6 }],
    ['realmSettings.chain.liveness', { liveness: true }],
    ['realmSettings.chain.liveness.interval', { liveness: { interval: '5 s' } }],
    ['realmSettings.chain.watermark', { watermark: 5 }]
  ]

  BAD.forEach(([field, settings]) => {
    it(`names ${field} in the error about ${JSON.stringify(settings)}`, () => {
      // what is not typed may pass anything
      expect(() => resolveRealmSettings({ chain: settings as RealmSettings }, 0.8)).to.throw(`"${field}"`)
    })
  })
})
