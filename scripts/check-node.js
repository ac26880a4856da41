/* eslint-disable no-console */

/**
 * libp2p needs Node.js 22. The scripts of this package run on the Node.js that
 * `npm install` puts into node_modules, unless install scripts are switched off.
 */
const MIN_VERSION = 22
const major = Number(process.versions.node.split('.')[0])

if (major < MIN_VERSION) {
  console.error(`libp2p-connmgr needs Node.js ${MIN_VERSION} or newer, this is ${process.versions.node}.`)
  console.error('Install a newer Node.js, or run "npm install" with install scripts allowed: it brings one along for the scripts of this package.')
  process.exitCode = 1
}
