import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

// what a bundler takes from the "browser" field of a package that is not built yet
const { browser }: { browser: Record<string, string> } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf-8'))
const IN_BROWSERS = new RegExp(`/(${Object.keys(browser).map(file => path.basename(file, '.js')).join('|')})\\.ts$`)

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 3rem auto; padding: 0 1rem }
  li { white-space: pre-wrap; overflow-wrap: anywhere; margin-block: 0.5rem; font-family: ui-monospace, monospace }
`

/**
 * Serves a page on loopback whose node visits the address. Returns where it is.
 */
export async function servePage (address: string): Promise<string> {
  const script = await bundle(address)
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>libp2p-connmgr in a browser</title>
<style>${STYLE}</style>
<h1>A libp2p node in this page</h1>
<ol id="log" aria-live="polite"></ol>
<script type="module" src="/page.js"></script>
</html>`

  const server: Server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? script : html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  // it listens on a port, not on a socket file
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function bundle (address: string): Promise<string> {
  const { outputFiles: [{ text }] } = await build({
    stdin: {
      contents: `
        import { visit } from './visit.ts'

        await visit(${JSON.stringify(address)}, text => {
          document.querySelector('#log').append(Object.assign(document.createElement('li'), { textContent: text }))
        })
        document.body.dataset.done = 'true'
      `,
      resolveDir: FOLDER
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    plugins: [{
      name: 'in-browsers',
      setup: ({ onResolve, resolve }) => {
        onResolve({ filter: IN_BROWSERS }, async ({ path: file, resolveDir, kind, pluginData }) => {
          if (pluginData === 'resolved') {
            return undefined
          }

          const found = await resolve(file.replace(/\.ts$/, '.browser.ts'), { resolveDir, kind, pluginData: 'resolved' })

          return found.errors.length === 0 ? found : undefined
        })
      }
    }]
  })

  return text
}
