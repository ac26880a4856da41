import type { Logger } from '@libp2p/interface'

/**
 * A function of the user whose failure is logged with its stack, and thrown on, as it is
 * the reason for what fails then
 *
 * @param name - the option that it was given as
 */
export function logged <Args extends unknown[], Result> (name: string, ask: (...args: Args) => Result, log: Logger): (...args: Args) => Result {
  return (...args) => {
    try {
      return ask(...args)
    } catch (err) {
      log.error('%s failed - %e', name, err)

      throw err
    }
  }
}

/**
 * A function of the user whose failure is logged with its stack, and that something else
 * takes the place of then
 *
 * @param name - the option that it was given as
 */
export function loggedOr <Args extends unknown[], Result> (name: string, ask: (...args: Args) => Result, instead: (...args: Args) => Result, log: Logger): (...args: Args) => Result {
  const asked = logged(name, ask, log)

  return (...args) => {
    try {
      return asked(...args)
    } catch {
      return instead(...args)
    }
  }
}
