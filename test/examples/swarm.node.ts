import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'

const run = promisify(execFile)

/**
 * The example as a process of its own
 */
async function swarm (...args: string[]): Promise<{ stdout: string, stderr: string }> {
  return run(process.execPath, ['examples/swarm/index.ts', ...args])
}

describe('examples/swarm, with real peers', function () {
  this.timeout(120_000)

  it('reports as JSON what the node did, and ends with code 0', async () => {
    const { stdout } = await swarm('--json', '--peers', '30', '--seconds', '10')
    const record = JSON.parse(stdout)

    expect(record).to.include({ lowWater: 18, highWater: 23, protected: 2, protectedSurvived: 2 })
    expect(record.opened).to.be.above(23)
    expect(record.trimmed).to.be.above(0)
    expect(record.refused).to.be.above(0)
    expect(record.peak).to.be.above(record.highWater)
    expect(record.final).to.be.above(0).and.at.most(record.highWater)
    expect(record.trimmedPeers.some(({ kind }: { kind: string }) => kind === 'validator')).to.be.false()
  })

  it('says what it does not understand, and ends with code 2', async () => {
    await expect(swarm('--peers', 'many')).to.eventually.be.rejected
      .with.property('code', 2)
    await expect(swarm('--peers', 'many')).to.eventually.be.rejected
      .with.property('stderr').that.include('--peers has to be a whole number from 20 to 1000, it is "many"')
  })
})
