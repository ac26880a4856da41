import { InvalidParametersError } from '@libp2p/interface'
import { describe, messageOf, readProperty } from './error-message.ts'

/**
 * An option or an argument has a value that it may not have. The name is
 * libp2p's own `InvalidParametersError`, the message names the option and the
 * value.
 */
export class InvalidOptionError extends InvalidParametersError {
  /**
   * Which option or argument, e.g. `lowWater` or `tag.value`
   */
  readonly option: string

  /**
   * The value that was passed
   */
  readonly value: unknown

  constructor (option: string, value: unknown, expected: string) {
    super(`"${option}" must be ${expected}, got ${describe(value)}`)
    this.option = option
    this.value = value
  }
}

/**
 * The libp2p that has built the node is too old
 */
export class UnsupportedVersionError extends Error {
  static name = 'UnsupportedVersionError'

  constructor (found: string, oldest: string) {
    super(`libp2p-connmgr needs libp2p ${oldest} or newer, but this node was made by ${found}: several may be installed, which "npm ls libp2p" shows`)
    this.name = 'UnsupportedVersionError'
  }
}

/**
 * The connection gater refused the dial. Same name as libp2p's own error, which
 * libp2p does not export.
 */
export class DialDeniedError extends Error {
  static name = 'DialDeniedError'

  constructor (message = 'Dial denied error', options?: ErrorOptions) {
    super(message, options)
    this.name = 'DialDeniedError'
  }
}

/**
 * A host was dialled often enough without anybody asking for it
 */
export class HostRateError extends Error {
  static name = 'HostRateError'

  constructor (message = 'The host was dialled often a short time ago') {
    super(message)
    this.name = 'HostRateError'
  }
}

/**
 * There was no address to dial. Same name as libp2p's own error, which libp2p
 * does not export.
 */
export class NoValidAddressesError extends Error {
  static name = 'NoValidAddressesError'

  constructor (message = 'No valid addresses') {
    super(message)
    this.name = 'NoValidAddressesError'
  }
}

/**
 * An address resolved to addresses that had to be resolved, too often. Same
 * name as libp2p's own error, which libp2p does not export.
 */
export class RecursionLimitError extends Error {
  static name = 'RecursionLimitError'

  constructor (message = 'Max recursive depth reached') {
    super(message)
    this.name = 'RecursionLimitError'
  }
}

/**
 * Whether something that was thrown has the name of a known error. Errors are
 * compared by name, as there may be several copies of the module that defines
 * them.
 */
export function hasErrorName (err: unknown, name: string): boolean {
  return err instanceof Error && err.name === name
}

/**
 * What was thrown, as an error. Transports of browsers throw events: one that carries
 * an error stands for it.
 */
export function toError (thrown: unknown): Error {
  if (thrown instanceof Error) {
    return thrown
  }

  const carried = readProperty(thrown, 'error')

  return carried instanceof Error && carried.message.trim() !== '' ? carried : new Error(messageOf(thrown))
}
