import { expect } from 'aegir/chai'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { newHome } from './fixtures/home.ts'
import { clockUntil } from './fixtures/wait.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const LEASE = HOUR

describe('reachability when the clock jumps', () => {
  const home = newHome()
  let clock: VirtualClock
  let told: string[]

  /**
   * A node whose port was mapped just now
   */
  async function mapped (checkInterval: number): Promise<void> {
    clock = new VirtualClock(Date.now())
    told = []
    const { services: { reachability } } = await home.node({ clock, init: { mapping: { protocols: ['upnp'], lease: LEASE, checkInterval, entryCheckInterval: 10 * HOUR } } })
    ;(['mapping:added', 'mapping:renewed', 'mapping:lost'] as const).forEach(type => { reachability.addEventListener(type, () => { told.push(type) }) })
    await clockUntil(clock, () => told.length > 0)
    expect(told.splice(0)).to.deep.equal(['mapping:added'])
    home.gateway.requests.length = 0
  }

  function requests (): number {
    return home.gateway.actions('upnp').filter(action => action === 'AddPortMapping').length
  }

  it('renews a mapping no later when it was set back', async () => {
    await mapped(10 * HOUR)
    await clock.advance(10 * MINUTE)
    clock.set(-HOUR)
    await clock.advance(LEASE / 2 - 10 * MINUTE - SECOND)
    expect(requests()).to.equal(0)
    await clockUntil(clock, () => told.length > 0)
    await clock.advance(LEASE / 2 - SECOND)

    expect(told).to.deep.equal(['mapping:renewed'])
    expect(requests()).to.equal(1)
  })

  it('renews a mapping once that is overdue because it was set forward', async () => {
    await mapped(30 * SECOND)
    // not further, as what the gateway is asked then takes real time to be answered
    await clock.advance(29 * SECOND)
    clock.set(LEASE / 2)
    await clockUntil(clock, () => told.length > 0)
    await clock.advance(29 * SECOND)

    expect(told).to.deep.equal(['mapping:renewed'])
    expect(requests()).to.equal(1)
  })

  it('asks once for a mapping that has run out while nothing could run', async () => {
    await mapped(30 * SECOND)
    clock.suspend(5 * LEASE)
    await clock.advance(0)
    await clockUntil(clock, () => told.length > 1)
    await clock.advance(29 * SECOND)

    expect(told).to.deep.equal(['mapping:lost', 'mapping:added'])
    expect(requests()).to.equal(1)
  })
})
