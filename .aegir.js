import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

// a Chromium installed by the system, instead of the one that playwright would download
const chromium = [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find(file => file != null && fs.existsSync(file))

/**
 * playwright-test downloads its own browser unless it finds a marker file where that browser would be
 */
function skipBrowserDownload () {
  const require = createRequire(createRequire(import.meta.url).resolve('playwright-test/package.json'))
  const manifest = path.join(path.dirname(require.resolve('playwright-core/package.json')), 'browsers.json')
  const { browsers } = JSON.parse(fs.readFileSync(manifest, 'utf-8'))
  const { revision } = browsers.find(({ name }) => name === 'chromium-headless-shell')
  const browsersPath = path.join(os.tmpdir(), 'aegir-system-browsers')
  const dir = path.join(browsersPath, `chromium_headless_shell-${revision}`)

  fs.mkdirSync(dir, { recursive: true })
  fs.writeFileSync(path.join(dir, 'INSTALLATION_COMPLETE'), '')

  return { PLAYWRIGHT_BROWSERS_PATH: browsersPath, PLAYWRIGHT_SKIP_BROWSER_GC: '1' }
}

/**
 * The nodes that tests in a browser connect to. They end with this process, at the
 * latest.
 */
async function startNodePeer () {
  const child = fork('test/browser/fixtures/node-peer.ts', { execArgv: ['--no-warnings', '--experimental-transform-types'] })
  const [addresses] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => { throw new Error(`The nodes for the browser did not start, exit code ${code}`) })
  ])

  return { child, addresses }
}

/** @type {import('aegir').PartialOptions} */
export default {
  dependencyCheck: {
    // used by scripts and commands
    ignore: ['@stryker-mutator/mocha-runner', 'c8', 'dependency-cruiser'],
    productionIgnorePatterns: [
      '/bench',
      '/dist',
      '/examples',
      '/scripts',
      '/simulate',
      '/soak',
      '/test',
      '.aegir.js'
    ]
  },
  lint: {
    files: [
      '*.{js,cjs,ts}',
      '{bench,examples,scripts,simulate,soak,src,test}/**/*.{js,ts}'
    ]
  },
  test: {
    browser: {
      config: {
        browserContextOptions: chromium == null
          ? {}
          : {
              executablePath: chromium,
              args: [
                // Chromium refuses to run as root without it
                ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
                // a machine without a network has no other interface
                '--allow-loopback-in-peer-connection',
                '--disable-gpu',
                '--disable-quic',
                '--no-first-run',
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync'
              ]
            }
      }
    },
    before: async ({ runner }) => {
      if (runner !== 'browser' && runner !== 'webworker') {
        return
      }

      const { child, addresses } = await startNodePeer()

      return {
        child,
        env: {
          ...(chromium == null ? {} : skipBrowserDownload()),
          NODE_PEER: JSON.stringify(addresses)
        }
      }
    },
    after: async (options, before) => {
      before?.child?.disconnect()
    }
  }
}
