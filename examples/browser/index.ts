/* eslint-disable no-console */

/**
 * A browser node and the peer that it connects to. Here both run in Node.js; with
 * `--page` the node runs in your browser.
 */

import { servePage } from './page.ts'
import { startServer } from './server.ts'
import { visit } from './visit.ts'

const server = await startServer()
const address = server.getMultiaddrs()[0].toString()

if (process.argv.includes('--page')) {
  console.info(`open ${await servePage(address)} in a browser`)
} else {
  await visit(address, text => { console.info(text) })
  await server.stop()
}
