import { readProperty } from './error-message.ts'
import { InvalidOptionError, UnsupportedVersionError } from './errors.ts'
import type { Logger } from '@libp2p/interface'

/**
 * The oldest libp2p that this package works with, as in `peerDependencies`
 */
export const OLDEST_LIBP2P = '3.3.0'

/**
 * What libp2p calls itself, unless the user gives the node another name
 */
const LIBP2P_NAMES: unknown[] = ['js-libp2p', 'libp2p']

/**
 * `services: { connectionManager }` passes what makes the service instead of the service
 * itself: libp2p calls it with the components of the node, which are no options
 *
 * @throws {InvalidOptionError} if these are no options, but the components of a node
 */
export function assertOptionsOf (factory: string, init: unknown): void {
  if (typeof readProperty(readProperty(init, 'logger'), 'forComponent') === 'function') {
    throw new InvalidOptionError(`services.${factory}`, factory, `called: write ${factory}() where the services are listed`)
  }
}

/**
 * Several versions of libp2p may be installed, one within another package, so what counts
 * is which one has built the node
 *
 * @throws {UnsupportedVersionError} if it is too old
 */
export function assertSupported (components: object): void {
  const nodeInfo = readProperty(components, 'nodeInfo')
  const version = LIBP2P_NAMES.includes(readProperty(nodeInfo, 'name')) ? readProperty(nodeInfo, 'version') : undefined
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(`${version as string}`)?.map(Number) ?? []

  // new in 3.0, and not to be changed by the user, as the version of the node is
  if (typeof readProperty(readProperty(components, 'registrar'), 'getMiddleware') !== 'function') {
    throw new UnsupportedVersionError(`libp2p ${major < 3 ? version as string : 'before 3.0.0'}`, OLDEST_LIBP2P)
  }

  if (major === 3 && minor < 3) {
    throw new UnsupportedVersionError(`libp2p ${version as string}`, OLDEST_LIBP2P)
  }
}

/**
 * Says what is accepted and has no effect, in one warning. Logs of libp2p are not seen
 * unless they are switched on, so it is a warning of the process, too, or of the page.
 * What was said is taken out of the list.
 */
export function warnAtStart (warnings: string[], log: Logger): void {
  if (warnings.length === 0) {
    return
  }

  const message = `libp2p-connmgr: ${warnings.splice(0).join('; ')}`
  const process: unknown = readProperty(globalThis, 'process')
  const emitWarning = readProperty(process, 'emitWarning')
  log.error('%s', message)

  if (typeof emitWarning === 'function') {
    emitWarning.call(process, message)
  } else {
    // eslint-disable-next-line no-console -- what a page has instead
    console.warn(message)
  }
}
