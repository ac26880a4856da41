import { AbortError, KEEP_ALIVE, isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_DNSADDR, isMultiaddr } from '@multiformats/multiaddr'
import { Key } from 'interface-datastore'
import { TimeLimit } from '../core/index.ts'
import { dialFailureReason, dialReport, isRelayed, remotePeerOf } from '../dialing/index.ts'
import { hasErrorName } from '../errors.ts'
import { withDefaults } from '../options.ts'
import { parseAddress } from './parse-peers.ts'
import { ownAddresses, withPeer } from './peer-addresses.ts'
import { coreRetryChance } from './retry-chance.ts'
import { retryDelay } from './retry-delay.ts'

/**
 * Where the anchors are in the node's datastore
 */
const ANCHORS_KEY = new Key('/libp2p-connmgr/anchors')

/**
 * What dialling up to a target uses of what every node has. It is fetched on demand, and
 * stands alone: what it would import, bundlers would take out of where it is for all.
 */
export const TOP_UP_TOOLS = { ANCHORS_KEY, AbortError, CODE_DNSADDR, KEEP_ALIVE, TimeLimit, coreRetryChance, dialFailureReason, dialReport, hasErrorName, isMultiaddr, isPeerId, isRelayed, ownAddresses, parseAddress, peerIdFromString, remotePeerOf, retryDelay, withDefaults, withPeer }

export type TopUpTools = typeof TOP_UP_TOOLS
