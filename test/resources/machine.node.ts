import os from 'node:os'
import { expect } from 'aegir/chai'
import { machine } from '../../src/resources/machine.ts'

describe('the size of the machine', () => {
  it('is that of the container or the system', () => {
    expect(machine().memory).to.be.within(1, os.totalmem())
  })

  it('tells the soft limit of file descriptors on Linux', function () {
    if (os.platform() !== 'linux') {
      this.skip()
    }

    expect(machine().fileDescriptors).to.satisfy((limit: number | 'unlimited') => limit === 'unlimited' || limit > 0)
  })
})
