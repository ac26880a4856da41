import type { CloseReasons } from './close-reasons.ts'
import type { Emit } from './context.ts'
import type { Clock } from '../clock.ts'
import type { DialObserver, DialQueue } from '../dialing/index.ts'

/**
 * Tells of addresses that are dialled
 */
export function dialObserver (emit: Emit, closing: CloseReasons): DialObserver {
  return {
    onAttempt: (peerId, multiaddr, delay) => { emit('dial:attempt', { peerId, multiaddr, delay }) },
    onAttemptFailed: (peerId, multiaddr, error, reason) => { emit('dial:fail', { peerId, multiaddr, reason, error }) },
    onDiscard: connection => { closing.mark(connection, 'replaced') }
  }
}

/**
 * Tells of peers that were dialled
 */
export function tellOfDials ({ queue }: DialQueue, clock: Clock, emit: Emit): void {
  queue.addEventListener('success', ({ detail: { job, result } }) => {
    emit('dial:end', { peerId: result.remotePeer, outcome: 'success', duration: durationOf(job.timeline, clock) })
  })
  queue.addEventListener('failure', ({ detail: { job, error } }) => {
    const outcome = job.signal.aborted ? 'cancelled' : 'failed'
    emit('dial:end', { peerId: job.options.peerId, outcome, duration: durationOf(job.timeline, clock), error })
  })
}

function durationOf ({ started, finished }: { started?: number, finished?: number }, clock: Clock): number {
  const end = finished ?? clock.now()

  return end - (started ?? end)
}
