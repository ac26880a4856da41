import { KEEP_ALIVE, isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { remoteIp } from '../addresses/index.ts'
import { entriesOf } from '../core/index.ts'
import { dialFailureReason, dialReport } from '../dialing/index.ts'
import { messageOf } from '../error-message.ts'
import { InvalidOptionError } from '../errors.ts'
import { GracePeriod, candidatesAmong, compareVictims, tagInfo } from '../trimming/index.ts'

/**
 * What explaining uses of what every node has. It is fetched on demand, and stands alone:
 * what it would import, bundlers would take out of where it is for all.
 */
export const EXPLAIN_TOOLS = { GracePeriod, InvalidOptionError, KEEP_ALIVE, candidatesAmong, compareVictims, dialFailureReason, dialReport, entriesOf, isPeerId, messageOf, peerIdFromString, remoteIp, tagInfo }

export type ExplainTools = typeof EXPLAIN_TOOLS
