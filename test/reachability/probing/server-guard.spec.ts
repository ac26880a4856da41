import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ServerGuard } from '../../../src/reachability/probing/autonat-server.ts'
import { resolveOptions } from '../../../src/reachability/resolve-options.ts'
import { settle, VirtualClock } from '../../fixtures/virtual-clock.ts'
import type { ServerInit } from '../../../src/reachability/options.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

describe('limits of the AutoNAT server', () => {
  let clock: VirtualClock
  let dialled: string[]
  let priorities: Array<number | undefined>
  let statuses: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    dialled = []
    priorities = []
    statuses = []
  })

  function guard (server: ServerInit = {}): { guard: ServerGuard, manager: ConnectionManager } {
    const created = new ServerGuard({
      options: resolveOptions({ server }).server,
      clock,
      random: { next: () => 0.5 },
      onRequest: status => { statuses.push(status) }
    })
    const manager = created.guardDials(() => ({
      isDialable: async () => true,
      openConnection: async (ma: unknown, options?: { priority?: number }) => {
        dialled.push(String(ma))
        priorities.push(options?.priority)
      }
    }) as unknown as ConnectionManager)

    return { guard: created, manager }
  }

  function peer (id: string, ip = '5.5.5.5'): Connection {
    return { remotePeer: { toString: () => id }, remoteAddr: multiaddr(`/ip4/${ip}/tcp/1`) } as unknown as Connection
  }

  function stream (): Stream & { sent: Uint8Array[] } {
    const sent: Uint8Array[] = []

    return { sent, send: (data: Uint8Array) => { sent.push(data) }, close: async () => {} } as unknown as Stream & { sent: Uint8Array[] }
  }

  async function request (handler: ReturnType<ServerGuard['guard']>, from: Connection): Promise<'answered' | 'rejected'> {
    const asked = stream()
    await handler(asked, from)

    return asked.sent.length === 0 ? 'answered' : 'rejected'
  }

  it('D19: 12 requests per minute of one peer, 60 in all', async () => {
    const handler = guard().guard.guard(async () => {})

    for (let i = 0; i < 12; i++) {
      expect(await request(handler, peer('a'))).to.equal('answered')
    }

    expect(await request(handler, peer('a'))).to.equal('rejected')

    for (let i = 0; i < 48; i++) {
      expect(await request(handler, peer(`peer ${i}`))).to.equal('answered')
    }

    expect(await request(handler, peer('another'))).to.equal('rejected')
    await clock.advance(60_000)
    expect(await request(handler, peer('a'))).to.equal('answered')
    expect(statuses.filter(status => status === 'rejected')).to.have.lengthOf(2)
  })

  it('D19: rejects in the words of the protocol', async () => {
    const handler = guard({ requestsPerMinute: 1 }).guard.guard(async () => {})
    const rejected = stream()
    await handler(stream(), peer('a'))
    await handler(rejected, peer('b'))

    expect([...rejected.sent[0]]).to.deep.equal([0x04, 0x12, 0x02, 0x08, 0x64])
  })

  it('D19: two requests of one peer at the same time', async () => {
    const waiting: Array<() => void> = []
    const handler = guard().guard.guard(async () => new Promise(resolve => { waiting.push(resolve) }))
    const running = [1, 2].map(async () => handler(stream(), peer('a')))

    expect(await request(handler, peer('a'))).to.equal('rejected')
    waiting.forEach(resolve => { resolve() })
    await Promise.all(running)
    const next = handler(stream(), peer('a'))
    waiting.forEach(resolve => { resolve() })
    await next
  })

  it('gives the place back when a request fails', async () => {
    const handler = guard({ concurrentPerPeer: 1 }).guard.guard(async () => { throw new Error('Oh no') })

    for (let i = 0; i < 3; i++) {
      await expect(handler(stream(), peer('a'))).to.eventually.be.rejectedWith('Oh no')
    }

    expect(statuses).to.deep.equal(['failed', 'failed', 'failed'])
  })

  it('D16: dials one address per request', async () => {
    const { manager } = guard()
    const { signal } = new AbortController()
    const other = new AbortController().signal

    expect(await manager.isDialable(multiaddr('/ip4/81.2.69.1/tcp/1'), { signal })).to.be.true()
    expect(await manager.isDialable(multiaddr('/ip4/81.2.69.2/tcp/1'), { signal })).to.be.false()
    expect(await manager.isDialable(multiaddr('/ip4/81.2.69.2/tcp/1'), { signal: other })).to.be.true()
  })

  it('D19: considers 50 addresses', async () => {
    const { manager } = guard()
    const { signal } = new AbortController()

    for (let i = 0; i < 50; i++) {
      expect(await manager.isDialable(multiaddr(`/ip4/10.0.0.${i}/tcp/1`), { signal })).to.be.false()
    }

    expect(await manager.isDialable(multiaddr('/ip4/81.2.69.1/tcp/1'), { signal })).to.be.false()
  })

  it('D19: dials 12 addresses per minute that are elsewhere', async () => {
    const { manager } = guard()
    const dialable = async (): Promise<boolean> => manager.isDialable(multiaddr('/ip4/81.2.69.1/tcp/1'), { signal: new AbortController().signal })

    for (let i = 0; i < 12; i++) {
      expect(await dialable()).to.be.true()
    }

    expect(await dialable()).to.be.false()
    await clock.advance(60_000)
    expect(await dialable()).to.be.true()
  })

  it('D19: waits a random time before it dials elsewhere, and none before it dials who asks', async () => {
    const { guard: created, manager } = guard()
    const elsewhere = manager.openConnection(multiaddr('/ip4/81.2.69.1/tcp/1'), { force: true })
    await settle()
    expect(dialled).to.be.empty()
    await clock.advance(1_500)
    await elsewhere
    expect(dialled).to.deep.equal(['/ip4/81.2.69.1/tcp/1'])

    await created.guard(async () => { await manager.openConnection(multiaddr('/ip4/5.5.5.5/tcp/2')) })(stream(), peer('a'))
    expect(dialled).to.have.lengthOf(2)
    expect(priorities).to.deep.equal([10, 10])
  })
})
