import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DialBudgets } from '../../src/dialing/budgets.ts'
import type { DialCharge, ReleaseBudget } from '../../src/dialing/budgets.ts'

interface Started {
  name: string
  release: ReleaseBudget
}

describe('dialing/budgets', () => {
  let started: Started[]

  beforeEach(() => {
    started = []
  })

  function dial (budgets: DialBudgets, name: string, charge: DialCharge): void {
    budgets.acquire(charge)
      .then(release => { started.push({ name, release }) }, () => {})
  }

  async function names (): Promise<string[]> {
    // a grant reaches the dial within a few microtasks
    for (let i = 0; i < 5; i++) {
      await Promise.resolve()
    }

    return started.map(({ name }) => name)
  }

  it('runs 8 of 9 addresses of one peer', async () => {
    const budgets = new DialBudgets()

    for (let i = 0; i < 9; i++) {
      dial(budgets, `${i}`, { peer: 'a', transport: 'quic' })
    }

    expect(await names()).to.have.lengthOf(8)
    started[3].release()
    expect(await names()).to.include('8')
  })

  it('runs 160 of 161 TCP dials to distinct peers, and QUIC dials beside them', async () => {
    const budgets = new DialBudgets()

    for (let i = 0; i < 161; i++) {
      dial(budgets, `tcp ${i}`, { peer: `${i}`, transport: 'tcp' })
    }

    dial(budgets, 'quic', { peer: 'quic', transport: 'quic' })
    expect(await names()).to.have.lengthOf(161)
    expect(await names()).to.include('quic').and.not.include('tcp 160')
  })

  it('bounds dials over every transport together', async () => {
    const budgets = new DialBudgets({ maxParallelAddressDials: 2 })
    dial(budgets, 'tcp', { peer: 'a', transport: 'tcp' })
    dial(budgets, 'quic', { peer: 'b', transport: 'quic' })
    dial(budgets, 'relay', { peer: 'c', transport: 'relay' })

    expect(await names()).to.deep.equal(['tcp', 'quic'])
  })

  it('bounds the dials that name a group, and no others', async () => {
    const budgets = new DialBudgets({ maxParallelDialsPerGroup: 1 })
    dial(budgets, 'first', { peer: 'a', transport: 'tcp', group: '4:10.1' })
    dial(budgets, 'second', { peer: 'b', transport: 'tcp', group: '4:10.1' })
    dial(budgets, 'other group', { peer: 'c', transport: 'tcp', group: '4:10.2' })
    dial(budgets, 'explicit', { peer: 'd', transport: 'tcp' })

    expect(await names()).to.deep.equal(['first', 'other group', 'explicit'])
    started[0].release()
    expect(await names()).to.include('second')
  })

  it('serves what waits in order, higher priorities first', async () => {
    const budgets = new DialBudgets({ maxParallelAddressDials: 1 })
    dial(budgets, 'running', { peer: 'a', transport: 'tcp' })
    dial(budgets, 'low', { peer: 'b', transport: 'tcp', priority: 10 })
    dial(budgets, 'first', { peer: 'c', transport: 'tcp', priority: 50 })
    dial(budgets, 'second', { peer: 'd', transport: 'tcp', priority: 50 })
    dial(budgets, 'high', { peer: 'e', transport: 'tcp', priority: 75 })

    for (let i = 0; i < 5; i++) {
      await names()
      started[i].release()
    }

    expect(await names()).to.deep.equal(['running', 'high', 'first', 'second', 'low'])
  })

  it('does not let a dial that waits for its transport block another one of its peer', async () => {
    const budgets = new DialBudgets({ maxParallelDialsPerPeer: 1, maxParallelDialsPerTransport: { tcp: 1 } })
    dial(budgets, 'tcp to a', { peer: 'a', transport: 'tcp' })
    dial(budgets, 'tcp to b', { peer: 'b', transport: 'tcp' })
    dial(budgets, 'quic to b', { peer: 'b', transport: 'quic' })

    expect(await names()).to.deep.equal(['tcp to a', 'quic to b'])
  })

  it('never runs a dial that was cancelled while it waited', async () => {
    const budgets = new DialBudgets({ maxParallelAddressDials: 1 })
    const controller = new AbortController()
    dial(budgets, 'running', { peer: 'a', transport: 'tcp' })
    const cancelled = budgets.acquire({ peer: 'b', transport: 'tcp', signal: controller.signal })
    dial(budgets, 'next', { peer: 'c', transport: 'tcp' })
    controller.abort()

    await expect(cancelled).to.eventually.be.rejected.with.property('name', 'AbortError')
    await names()
    started[0].release()
    expect(await names()).to.deep.equal(['running', 'next'])
    started[1].release()
    expect(budgets.running).to.equal(0)
    expect(budgets.waiting).to.equal(0)
  })

  it('refuses a dial that was cancelled before', async () => {
    await expect(new DialBudgets().acquire({ peer: 'a', transport: 'tcp', signal: AbortSignal.abort() })).to.eventually.be.rejected().with.property('name', 'AbortError')
  })

  it('gives a place back once, however often it is released', async () => {
    const budgets = new DialBudgets({ maxParallelAddressDials: 1 })
    const release = await budgets.acquire({ peer: 'a', transport: 'tcp' })
    release()
    release()
    dial(budgets, 'b', { peer: 'b', transport: 'tcp' })
    dial(budgets, 'c', { peer: 'c', transport: 'tcp' })

    expect(await names()).to.deep.equal(['b'])
  })

  it('holds every cap, loses no dial and forgets what is over, in any interleaving', async () => {
    const caps = { all: 4, peer: 2, transport: 3, group: 1 }

    await fc.assert(fc.asyncProperty(fc.array(fc.record({
      action: fc.constantFrom('acquire', 'acquire', 'release', 'cancel'),
      peer: fc.constantFrom('a', 'b', 'c'),
      transport: fc.constantFrom('tcp', 'quic'),
      group: fc.constantFrom(undefined, 'x', 'y'),
      priority: fc.integer({ min: 0, max: 2 }),
      pick: fc.nat()
    }), { maxLength: 60 }), async steps => {
      const budgets = new DialBudgets({
        maxParallelAddressDials: caps.all,
        maxParallelDialsPerPeer: caps.peer,
        maxParallelDialsPerTransport: { tcp: caps.transport },
        maxParallelDialsPerGroup: caps.group
      })
      const running: Array<DialCharge & { release: ReleaseBudget }> = []
      const waiting = new Map<DialCharge, AbortController>()

      for (const { action, pick, ...charge } of steps) {
        if (action === 'acquire') {
          const controller = new AbortController()
          const entry: DialCharge = { ...charge, signal: controller.signal }
          waiting.set(entry, controller)
          budgets.acquire(entry).then(release => {
            waiting.delete(entry)
            running.push({ ...entry, release })
          }, () => {})
        } else if (action === 'release' && running.length > 0) {
          running.splice(pick % running.length, 1)[0].release()
        } else if (action === 'cancel' && waiting.size > 0) {
          const [entry, controller] = [...waiting][pick % waiting.size]
          waiting.delete(entry)
          controller.abort()
        }

        for (let i = 0; i < 5; i++) {
          await Promise.resolve()
        }

        const count = (test: (charge: DialCharge) => boolean): number => running.filter(test).length
        const isFull = (charge: DialCharge): boolean => running.length === caps.all ||
          count(({ peer }) => peer === charge.peer) === caps.peer ||
          (charge.transport === 'tcp' && count(({ transport }) => transport === 'tcp') === caps.transport) ||
          (charge.group != null && count(({ group }) => group === charge.group) === caps.group)

        expect(budgets.running).to.equal(running.length)
        expect(budgets.waiting).to.equal(waiting.size)
        expect(running.length).to.be.at.most(caps.all)

        for (const charge of running) {
          expect(count(({ peer }) => peer === charge.peer)).to.be.at.most(caps.peer)
          expect(count(({ transport, group }) => charge.group != null && group === charge.group)).to.be.at.most(caps.group)
        }

        expect(count(({ transport }) => transport === 'tcp')).to.be.at.most(caps.transport)
        // nobody waits who could run
        expect([...waiting.keys()].every(isFull)).to.equal(true)
      }

      for (const controller of waiting.values()) {
        controller.abort()
      }

      for (const { release } of running) {
        release()
      }

      expect(budgets.size).to.equal(0)
    }), { numRuns: 200 })
  })
})
