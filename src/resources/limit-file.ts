import { InvalidOptionError } from '../errors.ts'
import { checkFields, checkRecord } from './check-fields.ts'
import { SCOPE_FIELDS } from './limits.ts'
import { entriesOf } from './validate-limits.ts'
import type { Limits, LimitValue, NamedScope, ScopeLimits, SingleScope } from './limits.ts'

/**
 * The limits of one scope in go-libp2p's format. `'default'` is the same as
 * leaving the field out. Memory is written as a string of digits, as 64 bit
 * numbers do not survive every JSON parser.
 */
export type LimitFileScope = Partial<Record<typeof FILE_FIELDS[keyof typeof FILE_FIELDS], number | string>>

/**
 * The content of a limit file of go-libp2p, which Kubo calls
 * `libp2p-resource-limit-overrides.json`
 */
export type LimitFile =
  Partial<Record<'System' | 'Transient' | 'AllowlistedSystem' | 'AllowlistedTransient' | 'Conn' | 'Stream', LimitFileScope>> &
  Partial<Record<'ServiceDefault' | 'ServicePeerDefault' | 'ProtocolDefault' | 'ProtocolPeerDefault' | 'PeerDefault', LimitFileScope>> &
  Partial<Record<'Service' | 'ServicePeer' | 'Protocol' | 'ProtocolPeer' | 'Peer', Record<string, LimitFileScope>>>

const FILE_FIELDS = {
  streams: 'Streams',
  streamsInbound: 'StreamsInbound',
  streamsOutbound: 'StreamsOutbound',
  connections: 'Conns',
  connectionsInbound: 'ConnsInbound',
  connectionsOutbound: 'ConnsOutbound',
  fileDescriptors: 'FD',
  memory: 'Memory'
} as const

type FileNamedScope = Exclude<NamedScope, 'realm'>
type FileScopes = Record<string, { scope: SingleScope | FileNamedScope } | { entries: FileNamedScope, of: 'peers' | 'protocols' | 'protocolPeers' | 'services' | 'servicePeers' }>

/**
 * Where the limits of a kind of scope stand in the file, in the order in which
 * go-libp2p documents them
 */
const SECTIONS = {
  System: { scope: 'system' },
  Transient: { scope: 'transient' },
  AllowlistedSystem: { scope: 'allowListed' },
  AllowlistedTransient: { scope: 'allowListedTransient' },
  ServiceDefault: { scope: 'service' },
  Service: { entries: 'service', of: 'services' },
  ServicePeerDefault: { scope: 'servicePeer' },
  ServicePeer: { entries: 'servicePeer', of: 'servicePeers' },
  ProtocolDefault: { scope: 'protocol' },
  Protocol: { entries: 'protocol', of: 'protocols' },
  ProtocolPeerDefault: { scope: 'protocolPeer' },
  ProtocolPeer: { entries: 'protocolPeer', of: 'protocolPeers' },
  PeerDefault: { scope: 'peer' },
  Peer: { entries: 'peer', of: 'peers' },
  Conn: { scope: 'connection' },
  Stream: { scope: 'stream' }
} as const satisfies FileScopes

/**
 * go-libp2p's largest number, by which older files say "unlimited". JavaScript
 * parses it to the next power of two.
 */
const MAX_INT64 = '9223372036854775807'

/**
 * Reads a limit file of go-libp2p or Kubo, as text or parsed. The result can be
 * passed as `limits`, alone or merged with others.
 *
 * @throws {InvalidOptionError} that names the path inside the file, e.g.
 * `Peer.12D3KooW….ConnsInbound`
 */
export function limitsFromJSON (json: string | LimitFile): Limits {
  const file = checkRecord(typeof json === 'string' ? parse(json) : json, 'limit file')
  const limits: Limits = {}

  checkFields(file, '', Object.keys(SECTIONS))

  for (const [section, target] of Object.entries(SECTIONS)) {
    const content = file[section]

    if (content === undefined) {
      continue
    }

    if ('scope' in target) {
      limits[target.scope] = readScope(content, section)
    } else {
      limits[target.of] = entriesOf(target.entries, readScope)(content, section)
    }
  }

  return limits
}

/**
 * Writes limits in the format of go-libp2p and Kubo, which has no place for
 * realms and subnets: those are left out
 */
export function limitsToJSON (limits: Limits): LimitFile {
  const file: LimitFile = {}

  for (const [section, target] of Object.entries(SECTIONS)) {
    const content = 'scope' in target
      ? writeScope(limits[target.scope])
      : writeEntries(limits[target.of])

    if (content != null) {
      Object.assign(file, { [section]: content })
    }
  }

  return file
}

function parse (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (err) {
    throw new InvalidOptionError('limit file', json, `JSON (${String(err)})`)
  }
}

function readScope (content: unknown, path: string): ScopeLimits {
  const scope = checkRecord(content, path)
  const limits: ScopeLimits = {}

  checkFields(scope, `${path}.`, Object.values(FILE_FIELDS))

  for (const field of SCOPE_FIELDS) {
    const fileField = FILE_FIELDS[field]
    const value = scope[fileField]

    if (value !== undefined && value !== 'default') {
      limits[field] = readValue(value, `${path}.${fileField}`, field === 'memory')
    }
  }

  return limits
}

function readValue (value: unknown, path: string, digitsAllowed: boolean): LimitValue {
  if (value === 'unlimited' || value === 'blockAll') {
    return value
  }

  if (value === Number(MAX_INT64) || (digitsAllowed && value === MAX_INT64)) {
    return 'unlimited'
  }

  const number = digitsAllowed && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value

  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new InvalidOptionError(path, value, 'a whole number that is not negative, "unlimited", "blockAll" or "default"')
  }

  return number === 0 ? 'blockAll' : number
}

function writeEntries (entries: Record<string, ScopeLimits> | undefined): Record<string, LimitFileScope> | undefined {
  return entries == null ? undefined : Object.fromEntries(Object.entries(entries).map(([name, limits]) => [name, writeScope(limits) ?? {}]))
}

function writeScope (limits: ScopeLimits | undefined): LimitFileScope | undefined {
  if (limits == null) {
    return
  }

  const scope: LimitFileScope = {}

  for (const [field, fileField] of Object.entries(FILE_FIELDS)) {
    // the keys of FILE_FIELDS
    const value = limits[field as keyof typeof FILE_FIELDS]

    if (value !== undefined) {
      scope[fileField] = writeValue(value, fileField)
    }
  }

  return scope
}

function writeValue (value: LimitValue, fileField: string): number | string {
  if (value === 0) {
    return 'blockAll'
  }

  return fileField === 'Memory' ? `${value}` : value
}
