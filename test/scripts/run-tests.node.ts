import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'aegir/chai'

/**
 * Runs tests whose process never ends
 */
async function runHangingTests (env: Record<string, string> = {}): Promise<{ code: number, output: string }> {
  const run = spawn(process.execPath, ['scripts/run-tests.js', '--files', 'test/fixtures/hanging-tests.ts'], {
    env: { ...process.env, TIME_TO_END: '1000', ...env }
  })
  let output = ''
  run.stdout.on('data', data => { output += data })
  run.stderr.on('data', data => { output += data })
  const [code] = await once(run, 'close')

  return { code, output }
}

describe('scripts/run-tests', function () {
  this.timeout(120_000)

  it('ends tests that do not end by themselves, as passed if they have, and says where they hang', async () => {
    const { code, output } = await runHangingTests()

    expect(output).to.include('1 passing')
    expect(output).to.include('The tests have ended, but their process has not')

    if (process.platform === 'linux') {
      expect(output).to.match(/runsForEver file:.*hanging-tests\.ts:\d+/)
    }

    expect(code).to.equal(0)
  })

  it('ends them as failed if one of them has', async () => {
    const { code, output } = await runHangingTests({ ONE_FAILS: '1' })

    expect(output).to.include('1 failing')
    expect(code).to.equal(1)
  })
})
