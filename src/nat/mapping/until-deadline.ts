/**
 * Run something that may go on after `signal`, up to a deadline that is known by
 * then. The signal it gets is the one that counts.
 */
export async function untilDeadline<T> (signal: AbortSignal, getDeadline: () => AbortSignal | undefined, run: (last: AbortSignal) => Promise<T>): Promise<T> {
  const last = new AbortController()
  let deadline: AbortSignal | undefined
  const onDeadline = (): void => { last.abort() }
  const onStop = (): void => {
    deadline = getDeadline()
    deadline?.addEventListener('abort', onDeadline)

    if (deadline?.aborted !== false) {
      onDeadline()
    }
  }

  signal.addEventListener('abort', onStop)

  try {
    return await run(last.signal)
  } finally {
    signal.removeEventListener('abort', onStop)
    deadline?.removeEventListener('abort', onDeadline)
  }
}
