import { spawn } from 'node:child_process'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'

describe('examples/swarm --inspect', function () {
  this.timeout(120_000)

  it('prints where the page is, keeps it after the report, and ends with Ctrl-C', async () => {
    const swarm = spawn(process.execPath, ['examples/swarm/index.ts', '--inspect', '--peers', '20', '--seconds', '3'])
    let out = ''
    swarm.stdout.on('data', data => { out += data })

    try {
      await pWaitFor(() => out.includes('until Ctrl-C'))
      expect(out).to.include('Protected')

      const [, url] = /^the page is at (\S+)$/m.exec(out) ?? []
      const response = await fetch(url)
      expect(await response.text()).to.include('<title>Connections</title>')

      const exited = pEvent<'exit', number | null>(swarm, 'exit')
      swarm.kill('SIGINT')
      expect(await exited).to.equal(0)
    } finally {
      swarm.kill('SIGKILL')
    }
  })
})
