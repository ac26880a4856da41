const MAX_DESCRIPTION_LENGTH = 100

/**
 * A short rendering of any value for an error message
 */
export function describe (value: unknown): string {
  let text: string

  try {
    text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  } catch {
    text = typeof value
  }

  return shorten(text, MAX_DESCRIPTION_LENGTH)
}

function shorten (text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

/**
 * In characters
 */
const MAX_MESSAGE_LENGTH = 200

/**
 * How deep causes are followed, and how many of several errors are told
 */
const MAX_DEPTH = 5
const MAX_ERRORS = 3

/**
 * What something that was thrown says: one line of at most 200 characters and an
 * ellipsis, never empty. Errors, events and what only looks like them may say it in
 * what they carry, and quote what a remote has sent.
 */
export function messageOf (thrown: unknown): string {
  const message = findMessage(thrown, 0) ?? 'no reason was given'

  return shorten(message.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim(), MAX_MESSAGE_LENGTH)
}

function findMessage (thrown: unknown, depth: number): string | undefined {
  if (typeof thrown !== 'object' || thrown == null) {
    return thrown == null || thrown === '' ? undefined : describe(thrown)
  }

  if (depth >= MAX_DEPTH) {
    return undefined
  }

  const own = readText(thrown, 'message')
  const several = readProperty(thrown, 'errors')

  if (Array.isArray(several)) {
    return [own, joinMessages(several, depth)].filter(text => text != null).join(': ') || nameOf(thrown)
  }

  return own ??
    findMessage(readProperty(thrown, 'error'), depth + 1) ??
    findMessage(readProperty(thrown, 'cause'), depth + 1) ??
    readText(thrown, 'reason') ??
    readText(thrown, 'code') ??
    eventMessage(thrown) ??
    (depth === 0 ? nameOf(thrown) : undefined)
}

function joinMessages (errors: readonly unknown[], depth: number): string | undefined {
  const messages = new Set(errors.slice(0, MAX_ERRORS).map(error => findMessage(error, depth + 1)).filter(text => text != null))
  const more = errors.length > MAX_ERRORS ? [`and ${errors.length - MAX_ERRORS} more`] : []

  return messages.size === 0 ? undefined : [...messages, ...more].join('; ')
}

/**
 * Browsers and Node.js do not let scripts know why a WebSocket failed
 */
function eventMessage (thrown: object): string | undefined {
  const type = readText(thrown, 'type')
  const url = readText(readProperty(thrown, 'target'), 'url')

  return type == null ? undefined : `${url ?? 'what was opened'} failed with the event "${type}", which does not say why`
}

function nameOf (thrown: object): string {
  return readText(thrown, 'name') ?? readText(readProperty(thrown, 'constructor'), 'name') ?? 'an object'
}

/**
 * A property of what may have none
 */
export function readProperty (from: unknown, key: PropertyKey): unknown {
  try {
    return typeof from === 'object' || typeof from === 'function' ? Reflect.get(from ?? {}, key) : undefined
  } catch {
    return undefined
  }
}

function readText (from: unknown, key: string): string | undefined {
  const value = readProperty(from, key)

  return typeof value === 'string' && value.trim() !== '' ? value.slice(0, MAX_MESSAGE_LENGTH * 2) : undefined
}
