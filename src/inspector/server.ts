import { createServer } from 'node:http'
import { InvalidParametersError } from '@libp2p/interface'
import { EventStreams } from './event-streams.ts'
import { refusalOf } from './guard.ts'
import { isLoopbackName } from './options.ts'
import { loadPage } from './page-files.ts'
import { BodyTooLargeError, readBody } from './read-body.ts'
import { hasToken } from './token.ts'
import type { StreamMessage } from './event-streams.ts'
import type { InspectorConfig } from './options.ts'
import type { PageFile } from './page-files.ts'
import type { Logger } from '@libp2p/interface'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

export interface InspectorServerComponents {
  log: Logger

  /**
   * What a page that was just opened has to know
   */
  welcome(): readonly StreamMessage[]

  /**
   * What is known of one peer. Anything that can be JSON.
   *
   * @throws {InvalidParametersError} if it is no peer
   */
  explain(peer: string): Promise<unknown>

  /**
   * Do what was asked for in the page. Resolves to what to tell about it.
   *
   * @throws {InvalidParametersError} if it is not known what is meant
   */
  act(request: unknown): Promise<string>
}

/**
 * In bytes
 */
const MAX_BODY = 4 * 1024
const MAX_HEADERS = 8 * 1024

/**
 * In ms: to send a request. Streams are answers, and stay.
 */
const REQUEST_TIMEOUT = 10_000
const HEADERS_TIMEOUT = 5_000
const KEEP_ALIVE_TIMEOUT = 5_000

/**
 * Connections besides those of streams
 */
const SPARE_CONNECTIONS = 32

/**
 * Scripts and styles are only taken from here, nothing is loaded from elsewhere, and
 * no page may show this one in a frame
 */
const HEADERS = {
  'content-security-policy': 'default-src \'none\'; script-src \'self\'; style-src \'self\'; img-src \'self\'; connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\'',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store'
}

/**
 * Serves the page of the inspector, and tells it what changes
 */
export class InspectorServer {
  readonly streams: EventStreams
  readonly #components: InspectorServerComponents
  readonly #config: InspectorConfig
  #server?: Server
  #page: ReadonlyMap<string, PageFile> = new Map()

  constructor (components: InspectorServerComponents, config: InspectorConfig) {
    this.#components = components
    this.#config = config
    this.streams = new EventStreams(config)
  }

  /**
   * Listen. Resolves to the URL of the page.
   *
   * @throws {Error} if that is not possible, e.g. because the port is in use
   */
  async start (): Promise<string | undefined> {
    const { host, port, maxStreams } = this.#config
    this.#page = await loadPage()

    const server = createServer({
      maxHeaderSize: MAX_HEADERS,
      requestTimeout: REQUEST_TIMEOUT,
      headersTimeout: HEADERS_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      connectionsCheckingInterval: HEADERS_TIMEOUT
    }, (request, response) => { this.#onRequest(request, response) })
    server.maxConnections = maxStreams + SPARE_CONNECTIONS
    this.#server = server

    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, () => {
        server.off('error', reject)
        server.on('error', err => { this.#components.log.error('the inspector failed - %e', err) })
        resolve()
      })
    })

    const address = server.address()
    const actual = typeof address === 'object' && address != null ? address.port : port

    return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${actual}/`
  }

  async stop (): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.streams.closeAll()

    if (server != null) {
      await new Promise<void>(resolve => {
        server.close(() => { resolve() })
        server.closeAllConnections()
      })
    }
  }

  #onRequest (request: IncomingMessage, response: ServerResponse): void {
    response.on('error', err => { this.#components.log('a response failed - %e', err) })
    request.on('error', err => { this.#components.log('a request failed - %e', err) })

    this.#answer(request, response).catch(err => {
      this.#components.log.error('a request could not be answered - %e', err)
      this.#send(response, 500, 'It failed')
    })
  }

  async #answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) {
      response.setHeader(name, value)
    }

    const refusal = refusalOf(request.headers, this.#config.allowedHosts)

    if (refusal != null) {
      this.#send(response, 403, refusal)
      return
    }

    const [path, query = ''] = (request.url ?? '').split('?', 2)

    if (request.method === 'POST' && path === '/api/actions') {
      await this.#onAction(request, response)
      return
    }

    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', path === '/api/actions' ? 'POST' : 'GET, HEAD')
      this.#send(response, 405, 'There is no such method')
      return
    }

    const file = this.#page.get(path)

    if (file != null) {
      response.writeHead(200, { 'content-type': file.type, 'content-length': file.content.length })
      response.end(request.method === 'HEAD' ? undefined : file.content)
    } else if (path !== '/api/events' && path !== '/api/peer') {
      this.#send(response, 404, 'There is no such page')
    } else if (!this.#mayRead(request)) {
      this.#refuseToken(response)
    } else if (path === '/api/peer') {
      await this.#onPeer(query, response)
    } else if (this.streams.isFull) {
      response.setHeader('retry-after', '5')
      this.#send(response, 503, 'Too many pages are open')
    } else {
      this.streams.open(response, this.#components.welcome())
    }
  }

  /**
   * On loopback everybody who gets here may read
   */
  #mayRead (request: IncomingMessage): boolean {
    const { host, token } = this.#config

    return isLoopbackName(host) || (token != null && hasToken(request.headers.authorization, token))
  }

  async #onPeer (query: string, response: ServerResponse): Promise<void> {
    try {
      this.#sendJSON(response, 200, await this.#components.explain(new URLSearchParams(query).get('id') ?? ''))
    } catch (err) {
      this.#sendError(response, err)
    }
  }

  async #onAction (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = this.#config

    if (token == null) {
      this.#send(response, 403, 'The inspector is read-only, as it has no token')
      return
    }

    if (!hasToken(request.headers.authorization, token)) {
      this.#refuseToken(response)
      return
    }

    // browsers let no other site send this without asking first
    if (request.headers['content-type']?.split(';')[0].trim() !== 'application/json') {
      this.#send(response, 415, 'The body has to be JSON')
      return
    }

    try {
      const message = await this.#components.act(JSON.parse(await readBody(request, MAX_BODY)))
      this.#sendJSON(response, 200, { message })
    } catch (err) {
      this.#sendError(response, err)
    }
  }

  #sendError (response: ServerResponse, err: unknown): void {
    if (err instanceof BodyTooLargeError) {
      this.#send(response, 413, err.message)
    } else if (err instanceof SyntaxError) {
      this.#send(response, 400, 'The body is no JSON')
    } else if (err instanceof InvalidParametersError) {
      this.#send(response, 400, err.message)
    } else {
      throw err
    }
  }

  #refuseToken (response: ServerResponse): void {
    response.setHeader('www-authenticate', 'Bearer')
    this.#send(response, 401, 'The token is needed')
  }

  #sendJSON (response: ServerResponse, status: number, data: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    response.end(JSON.stringify(data))
  }

  /**
   * Whoever is told this has done something wrong. What else it sends is not read.
   */
  #send (response: ServerResponse, status: number, text: string): void {
    if (response.headersSent) {
      response.destroy()
      return
    }

    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(`${text}\n`)
  }
}
