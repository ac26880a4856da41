import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { BACK_OFF_KEY, loadBackOff, saveBackOff } from '../../src/dialing/back-off-store.ts'

const entry = { peer: 'peer', address: '/ip4/127.0.0.1/tcp/1', failures: 1, until: 5_000, expires: 10_000 }

describe('dialing/back-off-store', () => {
  let store: MemoryDatastore

  beforeEach(() => {
    store = new MemoryDatastore()
  })

  it('reads what it wrote', async () => {
    await saveBackOff(store, [entry])
    expect(await loadBackOff(store)).to.deep.equal([entry])
  })

  it('is empty before anything was written', async () => {
    expect(await loadBackOff(store)).to.deep.equal([])
  })

  it('keeps the latest 1 000', async () => {
    await saveBackOff(store, Array.from({ length: 1_500 }, (_, i) => ({ ...entry, address: `${i}` })))
    const entries = await loadBackOff(store)

    expect(entries).to.have.lengthOf(1_000)
    expect(entries[0]).to.have.property('address', '500')
  })

  it('ignores what is broken', async () => {
    for (const text of ['', '{', 'null', '{}', '[1, null, []]']) {
      await store.put(BACK_OFF_KEY, new TextEncoder().encode(text))
      expect(await loadBackOff(store)).to.deep.equal([], text)
    }

    const broken = [
      { ...entry, peer: 1 },
      { ...entry, address: 'a'.repeat(2_000) },
      { ...entry, failures: -1 },
      { ...entry, until: '5000' },
      { ...entry, expires: null }
    ]
    await store.put(BACK_OFF_KEY, new TextEncoder().encode(JSON.stringify([...broken, entry])))
    expect(await loadBackOff(store)).to.deep.equal([entry])
  })

  it('keeps what has no end', async () => {
    await saveBackOff(store, [{ ...entry, until: Infinity, expires: Infinity }])
    const [{ until, expires }] = await loadBackOff(store)
    expect(Math.min(until, expires)).to.equal(Number.MAX_SAFE_INTEGER)
  })
})
