import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'

const run = promisify(execFile)

/**
 * What each example has to say
 */
const SAYS: Record<string, RegExp[]> = {
  browser: [/^connected to 12D3KooW/m, /^1 of at most 24 connections$/m, /^and it answers$/m, /^Could not connect to 12D3KooW/m],
  metrics: [/^libp2p_connection_manager_connections\{.*="inbound"\} 1$/m, /^libp2p_connmgr_watermarks\{.*="high-water"\} 192$/m],
  'private-network': [/^connected to 2 static peers, protected: true$/m, /^a stranger was refused because of hook, 2 peers are connected$/m, /^the connection that was lost is back$/m],
  'prune-policy': [/^closed the one that takes 50 ms$/m, /^left are those that take 10, 20, 60 ms$/m],
  realms: [/^4 of 7 could use the server$/m, /^chain: 1 of 8 connections, 4 are reserved$/m, /^chat: 3 of 3 connections/m]
}

describe('examples', function () {
  this.timeout(120_000)

  it('are all tested', async () => {
    const folders = (await readdir('examples', { withFileTypes: true })).filter(entry => entry.isDirectory()).map(({ name }) => name)

    // the swarm has a test of its own
    expect(folders.filter(name => name !== 'swarm').sort()).to.deep.equal(Object.keys(SAYS))
  })

  for (const [name, lines] of Object.entries(SAYS)) {
    it(`${name} does what it says, and ends`, async () => {
      const { stdout } = await run(process.execPath, ['--unhandled-rejections=strict', `examples/${name}/index.ts`], { timeout: 110_000 })

      for (const line of lines) {
        expect(stdout).to.match(line)
      }
    })
  }
})
