import { peerIdFromString } from '@libp2p/peer-id'
import { InvalidOptionError } from '../errors.ts'
import type { InspectedManager } from './inspected.ts'
import type { TrimResult } from '../metrics/index.ts'

/**
 * Protections that were given in the inspector have this tag
 */
export const PROTECTION_TAG = 'inspector'

/**
 * In ms: for how long a peer is banned in the inspector
 */
export const BAN_DURATION = 3_600_000

/**
 * What the page can ask for
 */
export const ACTIONS = ['protect', 'unprotect', 'close', 'ban', 'unban', 'trim'] as const

export type ActionName = typeof ACTIONS[number]

/**
 * Does what was asked for in the page. Returns what to tell whoever asked.
 *
 * @throws {InvalidOptionError} if it is not known what is meant
 * @throws {Error} what the manager throws
 */
export async function act (manager: InspectedManager, request: unknown): Promise<string> {
  const action = field(request, 'action')

  if (action === 'trim') {
    return tellTrim(await manager.trim())
  }

  const target = field(request, 'peer')

  // bans have addresses and ranges as targets, too
  if (action === 'unban') {
    return await manager.bans.unban(target) ? `${target} is not banned any more` : `${target} was not banned`
  }

  const peerId = parsePeer(target)

  switch (action) {
    case 'protect':
      manager.protect(peerId, PROTECTION_TAG)
      return `${target} is protected`
    case 'unprotect':
      return manager.unprotect(peerId, PROTECTION_TAG) ? `${target} is still protected by another tag` : `${target} is not protected any more`
    case 'close':
      await manager.closeConnections(peerId)
      return `The connections to ${target} are closed`
    case 'ban':
      await manager.bans.ban(peerId, { for: BAN_DURATION, reason: 'banned in the inspector' })
      return `${target} is banned for an hour`
    default:
      throw new InvalidOptionError('action', action, `one of ${ACTIONS.join(', ')}`)
  }
}

function tellTrim ({ closed, complete, kept, wanted }: TrimResult): string {
  const told = `${closed.length} connections were trimmed`

  return complete
    ? told
    : `${told} of ${wanted}, as ${kept.protected} are protected, ${kept.inGrace} in their grace period, and ${kept.allowListed} on the allow list`
}

function field (request: unknown, name: string): string {
  const value: unknown = typeof request === 'object' && request != null && Object.hasOwn(request, name) ? Reflect.get(request, name) : undefined

  if (typeof value !== 'string') {
    throw new InvalidOptionError(name, value, 'a text')
  }

  return value
}

function parsePeer (text: string): ReturnType<typeof peerIdFromString> {
  try {
    return peerIdFromString(text)
  } catch {
    throw new InvalidOptionError('peer', text, 'the id of a peer')
  }
}
