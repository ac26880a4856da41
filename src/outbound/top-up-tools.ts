import { AbortError, KEEP_ALIVE, TimeoutError } from '@libp2p/interface'
import { anySignal } from 'any-signal'
import { dialFailureReason, dialReport } from '../dialing/index.ts'
import { hasErrorName } from '../errors.ts'
import { saveAnchors, takeAnchors } from './anchor-store.ts'
import { ownAddresses, toCandidate, withPeer } from './candidate.ts'
import { parseAddress } from './parse-peers.ts'
import { retryDelay } from './retry-delay.ts'

/**
 * What dialling up to a target uses of what every node has. It is fetched on demand, and
 * stands alone: what it would import, bundlers would take out of where it is for all.
 */
export const TOP_UP_TOOLS = { AbortError, KEEP_ALIVE, TimeoutError, anySignal, dialFailureReason, dialReport, hasErrorName, ownAddresses, parseAddress, retryDelay, saveAnchors, takeAnchors, toCandidate, withPeer }

export type TopUpTools = typeof TOP_UP_TOOLS
