import { dns, RecordType } from '@multiformats/dns'
import { multiaddr } from '@multiformats/multiaddr'
import { hasErrorName } from '../errors.ts'
import { remotePeerOf } from './dial-target.ts'
import type { MultiaddrResolveOptions, MultiaddrResolver } from '@libp2p/interface'
import type { DNS } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many records of one answer are read
 */
const MAX_RECORDS = 100

/**
 * The longest record that is read. A WebTransport address with two certificate
 * hashes behind a relay has about 400 characters.
 */
const MAX_RECORD_LENGTH = 1_024

const RECORD = /^["'\s]*dnsaddr=(\/[^"'\s]+)["'\s]*$/

/**
 * A node that was given no DNS client uses that of the module, as libp2p does
 */
let ownClient: DNS | undefined

/**
 * Looks up `/dnsaddr/` addresses in TXT records. Of names that stand for
 * several peers, only the addresses of the peer that was asked for are
 * returned. Records that are no addresses are ignored.
 */
export const dnsaddrResolver: MultiaddrResolver = {
  canResolve: address => hostOf(address) != null,

  resolve: async (address, options) => {
    const host = hostOf(address)

    if (host == null) {
      return [address]
    }

    const peer = remotePeerOf(address)
    const records = await query(`_dnsaddr.${host}`, options)

    return records
      .slice(0, MAX_RECORDS)
      .map(parseRecord)
      .filter(found => found != null)
      .filter(found => peer == null || (remotePeerOf(found) ?? peer) === peer)
  }
}

async function query (name: string, options: MultiaddrResolveOptions): Promise<string[]> {
  const client = options.dns ?? (ownClient ??= dns())

  try {
    const { Answer } = await client.query(name, { signal: options.signal, types: [RecordType.TXT] })

    return Answer.map(({ data }) => data)
  } catch (err) {
    if (isEmptyAnswer(err)) {
      return []
    }

    throw err
  }
}

function hostOf (address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'dnsaddr')?.value
}

function parseRecord (text: string): Multiaddr | undefined {
  if (text.length > MAX_RECORD_LENGTH) {
    return undefined
  }

  const [, address] = RECORD.exec(text) ?? []

  if (address == null) {
    return undefined
  }

  try {
    return multiaddr(address)
  } catch {
    return undefined
  }
}

/**
 * All servers were reached and none has records
 */
function isEmptyAnswer (err: unknown): boolean {
  return hasErrorName(err, 'DNSQueryFailedError') &&
    err instanceof AggregateError &&
    err.errors.length > 0 &&
    err.errors.every(reason => hasErrorName(reason, 'EmptyDNSAnswerError'))
}
