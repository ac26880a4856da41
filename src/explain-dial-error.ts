import { dialFailureReason, dialReport } from './dialing/index.ts'
import { describeDialError } from './dialing/later.ts'
import { messageOf } from './error-message.ts'

/**
 * A dial's error for people: what was dialled, and why each address failed. For
 * everything else that can be thrown, one line.
 */
export function explainDialError (error: unknown): string {
  return describeDialError(error, { dialFailureReason, dialReport, messageOf })
}
