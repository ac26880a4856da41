/**
 * Calls back when the signal aborts, at once if it did already. Returns a function that
 * ends this.
 */
export function whenAborted (signal: AbortSignal | undefined, callback: () => void): () => void {
  signal?.addEventListener('abort', callback, { once: true })

  if (signal?.aborted === true) {
    callback()
  }

  return () => { signal?.removeEventListener('abort', callback) }
}
