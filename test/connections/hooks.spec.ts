import { expect } from 'aegir/chai'
import { isDenied } from '../../src/connections/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import type { BeforeConnect } from '../../src/connections/index.ts'

describe('connections/hooks', () => {
  const peerId = stubPeerId()

  it('allow if there are none, or none says no', async () => {
    expect(await isDenied([], peerId)).to.be.false()
    expect(await isDenied<Parameters<BeforeConnect>>([() => true, () => undefined, async () => true, async () => {}], peerId)).to.be.false()
  })

  it('deny by false and by throwing, now or later', async () => {
    const hooks: BeforeConnect[] = [
      () => false,
      async () => false,
      () => { throw new Error('No') },
      async () => { throw new Error('No') }
    ]

    for (const hook of hooks) {
      expect(await isDenied([hook], peerId)).to.be.true()
    }
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

    expect(await isDenied([hook('a', true), hook('b', false), hook('c', true)], peerId)).to.be.true()
    expect(asked).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends'])
  })
})
