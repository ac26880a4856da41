import type { ConnectionGater } from '@libp2p/interface'

type Hook = Exclude<keyof ConnectionGater, 'filterMultiaddrForPeer'>

const HOOKS: Hook[] = [
  'denyDialPeer',
  'denyDialMultiaddr',
  'denyInboundConnection',
  'denyOutboundConnection',
  'denyInboundEncryptedConnection',
  'denyOutboundEncryptedConnection',
  'denyInboundUpgradedConnection',
  'denyOutboundUpgradedConnection',
  'denyInboundRelayReservation',
  'denyOutboundRelayedConnection',
  'denyInboundRelayedConnection'
]

/**
 * Is told that a hook of the user's gater has denied something, or thrown. The arguments
 * are those of the hook.
 */
export type OnUserDenial = (hook: string, args: readonly unknown[], thrown?: unknown) => void

/**
 * Settles as the answer of a hook, or with another one in its place if it takes too long
 */
export type AnswerLimit = (denied: Promise<boolean>) => Promise<boolean>

/**
 * A gater that denies what the user's gater denies or ours does. The user's is
 * asked first, and ours only what the user's allows. Each is called as a method
 * of its own object. A hook that neither has is absent. Where the user's hook
 * answers at once, the composed one does.
 *
 * `filterMultiaddrForPeer`, where `true` means to allow, is the user's alone.
 *
 * Hooks are looked up when they are used, so one that the user sets later counts.
 *
 * @param user - the user's gater, if there is one
 * @param ours - asked about what the user's allows
 * @param limit - limits the promises that the user's returns, as libp2p waits for some
 * of them for ever
 * @param onDenial - is told what the user's denies
 */
export function composeGaters (user: ConnectionGater | undefined, ours: ConnectionGater, limit: AnswerLimit = async denied => denied, onDenial: OnUserDenial = () => {}): ConnectionGater {
  const composed: ConnectionGater = {}

  const define = (hook: keyof ConnectionGater, get: () => unknown): void => {
    Object.defineProperty(composed, hook, { enumerable: true, configurable: true, get })
  }

  HOOKS.forEach(hook => { define(hook, () => composeHook(user, ours, hook, limit, onDenial)) })
  define('filterMultiaddrForPeer', () => user?.filterMultiaddrForPeer?.bind(user))

  return composed
}

type AnyHook = (...args: unknown[]) => Promise<boolean> | boolean

function composeHook (user: ConnectionGater | undefined, ours: ConnectionGater, hook: Hook, limit: AnswerLimit, onDenial: OnUserDenial): AnyHook | undefined {
  const userHook = bound(user, hook)
  const ourHook = bound(ours, hook)

  if (userHook == null) {
    return ourHook
  }

  return (...args) => {
    const failed = (err: unknown): never => {
      onDenial(hook, args, err ?? new Error('The connection gater has thrown nothing'))

      throw err
    }
    const answer = (isDenied: boolean): Promise<boolean> | boolean => {
      if (isDenied) {
        onDenial(hook, args)
      }

      return isDenied || (ourHook?.(...args) ?? false)
    }
    let denied: Promise<boolean> | boolean

    try {
      denied = userHook(...args)
    } catch (err) {
      return failed(err)
    }

    return isPromise(denied) ? limit(Promise.resolve(denied)).catch(failed).then(answer) : answer(denied)
  }
}

function bound (gater: ConnectionGater | undefined, hook: Hook): AnyHook | undefined {
  // the hooks take different arguments, which are passed on as they come
  const method = gater?.[hook] as AnyHook | undefined

  return method?.bind(gater)
}

function isPromise (value: Promise<boolean> | boolean): value is Promise<boolean> {
  return typeof value === 'object' && value != null && typeof value.then === 'function'
}
