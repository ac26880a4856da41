/** In ms: from one attempt to the next, while the node does not answer */
const RETRY_DELAY = 2_000

/**
 * Follows the server's events, and connects again when that ends. `EventSource` could
 * not send the token.
 *
 * @param {object} options - what to do
 * @param {() => Record<string, string>} options.headers - what to send
 * @param {(type: string, data: any) => void} options.onEvent - called for each event
 * @param {(state: 'live' | 'lost' | 'locked' | 'full') => void} options.onState - called when that changes
 */
export async function follow ({ headers, onEvent, onState }) {
  for (;;) {
    try {
      const response = await fetch('/api/events', { headers: headers(), cache: 'no-store' })

      if (response.ok && response.body != null) {
        onState('live')
        await read(response.body, onEvent)
      }

      onState(response.status === 401 ? 'locked' : response.status === 503 ? 'full' : 'lost')
    } catch {
      onState('lost')
    }

    await new Promise(resolve => setTimeout(resolve, RETRY_DELAY))
  }
}

/**
 * @param {ReadableStream<Uint8Array>} body - of the answer
 * @param {(type: string, data: any) => void} onEvent - called for each event
 */
async function read (body, onEvent) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''

  for (;;) {
    const { done, value } = await reader.read()

    if (done) {
      return
    }

    rest += decoder.decode(value, { stream: true })
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''

    for (const event of events) {
      const [, type, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? []

      if (type != null) {
        onEvent(type, JSON.parse(data))
      }
    }
  }
}
