import { expect } from 'aegir/chai'
import { findDenial } from '../../src/upkeep/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import type { BeforeConnect } from '../../src/upkeep/index.ts'

describe('connections/hooks', () => {
  const peerId = stubPeerId()

  it('allow if there are none, or none says no', async () => {
    expect(await findDenial([], peerId)).to.be.undefined()
    expect(await findDenial<Parameters<BeforeConnect>>([() => true, () => undefined, async () => true, async () => {}], peerId)).to.be.undefined()
  })

  it('deny by false and by throwing, now or later', async () => {
    const hooks: BeforeConnect[] = [
      () => false,
      async () => false,
      () => { throw new Error('No') },
      async () => { throw new Error('No') }
    ]

    for (const hook of hooks) {
      expect(await findDenial([hook], peerId)).to.be.an('object')
    }
  })

  it('tell what was thrown', async () => {
    const error = new Error('No')

    expect(await findDenial<Parameters<BeforeConnect>>([() => { throw error }], peerId)).to.deep.equal({ thrown: error })
    // eslint-disable-next-line prefer-promise-reject-errors -- what users may do
    expect(await findDenial<Parameters<BeforeConnect>>([async () => Promise.reject(undefined)], peerId)).to.have.nested.property('thrown.message')
  })

  it('are asked one after the other, until the first says no', async () => {
    const asked: string[] = []
    const hook = (name: string, answer: boolean): BeforeConnect => async peer => {
      expect(peer).to.equal(peerId)
      asked.push(`${name} begins`)
      await Promise.resolve()
      asked.push(`${name} ends`)

      return answer
    }

    expect(await findDenial([hook('a', true), hook('b', false), hook('c', true)], peerId)).to.deep.equal({})
    expect(asked).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends'])
  })
})
