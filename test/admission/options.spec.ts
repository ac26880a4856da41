import { expect } from 'aegir/chai'
import { resolveAdmission } from '../../src/admission/index.ts'
import { defaultMaxPending } from '../../src/admission/options.ts'

const GiB = 2 ** 30

describe('admission/options', () => {
  it('as many connections may be being upgraded by default as fit the machine', () => {
    const large = { memory: 16 * GiB, fileDescriptors: 1_000_000 }

    expect(defaultMaxPending(large)).to.equal(1_024)
    expect(defaultMaxPending({ ...large, fileDescriptors: 'unlimited' })).to.equal(1_024)
    expect(defaultMaxPending({ ...large, fileDescriptors: 0 }), 'not known').to.equal(1_024)
    expect(defaultMaxPending({ ...large, fileDescriptors: 1_024 })).to.equal(128)
    expect(defaultMaxPending({ ...large, memory: GiB / 2 })).to.equal(128)
    expect(defaultMaxPending({ ...large, memory: GiB / 64 })).to.equal(10)
    expect(defaultMaxPending({ memory: 0, fileDescriptors: 0 }), 'a browser').to.equal(10)
  })

  it('no more than a quarter of the connections that were given for the system', () => {
    const machine = { memory: 16 * GiB, fileDescriptors: 1_000_000 }

    expect(defaultMaxPending(machine, { system: { connections: 240 } })).to.equal(60)
    expect(defaultMaxPending(machine, { system: { connections: 'unlimited', connectionsInbound: 200 } })).to.equal(50)
    expect(defaultMaxPending(machine, { system: { connections: 'blockAll' } })).to.equal(1_024)
    expect(defaultMaxPending(machine, { system: { connections: 8 } })).to.equal(10)
    expect(defaultMaxPending(machine, false)).to.equal(1_024)
  })

  it('what is given is held', () => {
    expect(resolveAdmission({ maxIncomingPendingConnections: 7, limits: { system: { connections: 8 } } }).maxIncomingPendingConnections).to.equal(7)
    expect(resolveAdmission({ maxIncomingPendingConnections: Infinity }).maxIncomingPendingConnections).to.equal(Infinity)
  })
})
