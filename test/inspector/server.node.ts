import { request } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { inspector } from '../../src/inspector/index.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { createInspectedNode, openConnections, urlOf } from './fixtures/inspected-node.ts'
import type { InspectedNode } from './fixtures/inspected-node.ts'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

const TOKEN = 'a token that nobody guesses'
const AUTHORIZED = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }

interface Answer {
  status?: number
  headers: IncomingHttpHeaders
  text: string
}

interface HeldStream {
  socket: Socket

  /**
   * How the answer begins
   */
  answer: string
}

interface Ask {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
}

/**
 * A request with any headers, which `fetch` would not send
 */
async function ask (node: InspectedNode, { method = 'GET', path = '/', headers = {}, body }: Ask = {}): Promise<Answer> {
  const { hostname, port } = new URL(urlOf(node))

  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, response => {
      let text = ''
      response.setEncoding('utf-8')
      response.on('data', chunk => { text += chunk })
      response.on('end', () => { resolve({ status: response.statusCode, headers: response.headers, text }) })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/**
 * Opens a stream of events, and resolves to the answer once its head is there
 */
async function openStream (node: InspectedNode): Promise<{ sent: ClientRequest, response: IncomingMessage }> {
  const { hostname, port } = new URL(urlOf(node))

  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: '/api/events', agent: false }, response => {
      response.on('error', () => {})
      resolve({ sent, response })
    })
    sent.on('error', reject)
    sent.end()
  })
}

/**
 * What comes back to bytes that need be no request at all
 */
async function sendRaw (node: InspectedNode, text: string): Promise<string> {
  const { hostname, port } = new URL(urlOf(node))

  return new Promise(resolve => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => { socket.write(text) })
    socket.on('data', data => { answer += data.toString() })
    socket.on('error', () => {})
    socket.on('close', () => { resolve(answer) })
  })
}

/**
 * Asks for a stream, and keeps the connection open. Resolves to the answer once it
 * begins, or to nothing when the server has hung up.
 */
async function holdStream (node: InspectedNode): Promise<HeldStream> {
  const { hostname, port } = new URL(urlOf(node))

  return new Promise(resolve => {
    const socket = connect(Number(port), hostname, () => { socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n') })

    socket.on('data', data => { resolve({ socket, answer: data.toString() }) })
    socket.on('error', () => {})
    socket.on('close', () => { resolve({ socket, answer: '' }) })
  })
}

async function holdStreams (node: InspectedNode, count: number): Promise<HeldStream[]> {
  return Promise.all(Array.from({ length: count }, async () => holdStream(node)))
}

function countOpen (held: readonly HeldStream[]): number {
  return held.filter(({ socket }) => !socket.closed).length
}

async function answers (node: InspectedNode): Promise<boolean> {
  try {
    return (await ask(node)).status === 200
  } catch {
    return false
  }
}

describe('inspector/server', function () {
  this.timeout(300_000)

  let node: InspectedNode

  afterEach(async () => {
    await node.stop()
  })

  describe('read-only', () => {
    beforeEach(async () => {
      node = await createInspectedNode({}, { maxStreams: 4 })
    })

    it('serves the page and what belongs to it, and lets nothing else be loaded', async () => {
      const { status, headers, text } = await ask(node)

      expect(status).to.equal(200)
      expect(text).to.include('<title>Connections</title>')
      expect(headers['content-security-policy']).to.include('default-src \'none\'').and.include('frame-ancestors \'none\'')
      expect(headers['x-content-type-options']).to.equal('nosniff')

      for (const [, path] of text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
        expect(await ask(node, { path }), path).to.have.property('status', 200)
      }
    })

    it('serves the library of the chart, and nothing else of packages', async () => {
      const script = await ask(node, { path: '/uplot.js' })
      const style = await ask(node, { path: '/uplot.css' })

      expect(script.headers['content-type']).to.equal('text/javascript; charset=utf-8')
      expect(script.text).to.match(/export \{ uPlot as default \}/)
      expect(style.headers['content-type']).to.equal('text/css; charset=utf-8')

      for (const path of ['/uplot', '/uplot/package.json', '/uplot/dist/uPlot.esm.js', '/uplot.js/../package.json', '/node_modules/uplot/package.json', '/uplot.d.ts', '/uPlot.js']) {
        expect(await ask(node, { path }), path).to.have.property('status', 404)
      }
    })

    it('refuses a foreign Host header on every path, so that no name can be made to lead here', async () => {
      for (const path of ['/', '/main.js', '/api/events', '/api/peer?id=x']) {
        const { status, text } = await ask(node, { path, headers: { host: 'evil.example' } })

        expect(status).to.equal(403)
        expect(text).to.equal('This name is not allowed\n')
      }
    })

    it('refuses a foreign Origin header, and what comes from other sites', async () => {
      expect(await ask(node, { path: '/api/events', headers: { origin: 'https://evil.example' } })).to.have.property('status', 403)
      expect(await ask(node, { path: '/api/events', headers: { origin: 'null' } })).to.have.property('status', 403)
      expect(await ask(node, { path: '/api/events', headers: { 'sec-fetch-site': 'cross-site' } })).to.have.property('status', 403)
      expect(await ask(node, { path: '/', headers: { origin: new URL(urlOf(node)).origin } })).to.have.property('status', 200)
      expect(await ask(node)).to.not.have.nested.property('headers.access-control-allow-origin')
    })

    it('does not follow paths out of the page', async () => {
      const paths = [
        '/../package.json', '/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/page/../options.ts', '//etc/passwd', '/main.js/../../server.ts',
        '/main.js%00.html', '/./main.js', '/MAIN.JS', '/__proto__', '/constructor', '/api', '/api/', '/api/events/', '/\\..\\package.json', '/main.js/'
      ]

      for (const path of paths) {
        expect(await ask(node, { path }), path).to.have.property('status', 404)
      }

      expect(await ask(node, { path: 'http://evil.example/main.js' })).to.have.property('status', 404)
    })

    it('knows no methods that change something', async () => {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
        expect(await ask(node, { method }), method).to.have.property('status', 405)
      }

      expect(await ask(node, { method: 'POST', body: '{}' })).to.have.property('status', 405)
      expect(await ask(node, { method: 'POST', path: '/api/actions', body: '{}', headers: AUTHORIZED })).to.include({ status: 403, text: 'The inspector is read-only, as it has no token\n' })
    })

    it('ends requests that are none, and headers without an end', async () => {
      expect(await sendRaw(node, 'what is this\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /)
      expect(await sendRaw(node, 'GET / HTTP/1.1\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /)
      expect(await sendRaw(node, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /)
      expect(await sendRaw(node, 'CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n')).to.equal('')
      expect(await ask(node)).to.have.property('status', 200)
    })

    it('explains a peer that nobody knows, and refuses what is no peer', async () => {
      const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
      const { status, text } = await ask(node, { path: `/api/peer?id=${peer}` })

      expect(status).to.equal(200)
      expect(JSON.parse(text)).to.deep.include({ peer, known: false, value: 0, tags: {}, connections: [] })

      for (const path of ['/api/peer', '/api/peer?id=', '/api/peer?id=%00', '/api/peer?id=__proto__', `/api/peer?id=${'1'.repeat(4_000)}`, '/api/peer?id=%']) {
        expect(await ask(node, { path }), path).to.have.property('status', 400)
      }
    })

    it('tells a page everything first, then what changes', async () => {
      const [connection] = openConnections(node, 5)
      const { sent, response } = await openStream(node)
      let text = ''
      response.on('data', chunk => { text += chunk })

      await pWaitFor(() => text.includes('event: decisions'))
      expect([...text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type).slice(0, 4)).to.deep.equal(['samples', 'overview', 'peers', 'decisions'])
      expect(text).to.include(connection.remotePeer.toString()).and.include('"isAll":true')

      text = ''
      connection.remoteClose()
      await pWaitFor(() => text.includes(`"gone":["${connection.remotePeer.toString()}"]`))
      sent.destroy()
    })

    it('opens no more streams than it should, and takes new ones when others end', async () => {
      const streams = await Promise.all([1, 2, 3, 4].map(async () => openStream(node)))
      const refused = await ask(node, { path: '/api/events' })

      expect(refused).to.include({ status: 503, text: 'Too many pages are open\n' })
      expect(refused.headers['retry-after']).to.equal('5')

      streams[0].sent.destroy()
      await pWaitFor(async () => {
        const { sent, response } = await openStream(node)
        sent.destroy()

        return response.statusCode === 200
      })
      streams.forEach(({ sent }) => { sent.destroy() })
    })

    it('holds no more than a few of ten thousand streams that are kept open', async function () {
      this.timeout(60_000)
      const held: HeldStream[] = []

      for (let round = 0; round < 100; round++) {
        held.push(...await holdStreams(node, 100))
      }

      expect(held.filter(({ answer }) => answer.startsWith('HTTP/1.1 200'))).to.have.lengthOf(4)
      await pWaitFor(() => countOpen(held) <= 4)

      held.forEach(({ socket }) => { socket.destroy() })
      await pWaitFor(async () => answers(node))
    })

    it('ends its streams when the node stops, and listens again when it starts', async () => {
      const { response } = await openStream(node)
      const ended = new Promise(resolve => { response.once('close', resolve) })
      response.resume()

      await node.stop()
      await ended
      expect(node.services.inspector.url).to.be.undefined()

      await node.start()
      expect(await ask(node)).to.have.property('status', 200)
    })
  })

  describe('with a token', () => {
    beforeEach(async () => {
      node = await createInspectedNode({}, { token: TOKEN })
    })

    async function act (body: unknown, headers: Record<string, string> = AUTHORIZED): Promise<Answer> {
      return ask(node, { method: 'POST', path: '/api/actions', headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
    }

    it('does what is asked for', async () => {
      const [{ remotePeer }] = openConnections(node, 3).slice(1)
      const manager = node.services.connectionManager
      const peer = remotePeer.toString()

      expect(await act({ action: 'protect', peer })).to.include({ status: 200, text: JSON.stringify({ message: `${peer} is protected` }) })
      expect(manager.isProtected(remotePeer, 'inspector')).to.be.true()

      expect(await act({ action: 'unprotect', peer })).to.have.property('status', 200)
      expect(manager.isProtected(remotePeer)).to.be.false()

      expect(await act({ action: 'ban', peer })).to.have.property('status', 200)
      expect(manager.bans.ofPeer(peer)).to.include({ reason: 'banned in the inspector' })
      await pWaitFor(() => manager.getConnections(remotePeer).length === 0)

      expect(await act({ action: 'unban', peer })).to.have.property('status', 200)
      expect(manager.bans.list()).to.be.empty()

      expect(await act({ action: 'trim' })).to.include({ status: 200, text: '{"message":"0 connections were trimmed"}' })
    })

    it('does nothing without it, or with another one', async () => {
      const [{ remotePeer }] = openConnections(node, 2).slice(1)
      const body = { action: 'protect', peer: remotePeer.toString() }

      for (const authorization of ['', 'Bearer ', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, TOKEN, `Basic ${TOKEN}`, `Bearer ${'x'.repeat(5_000)}`]) {
        expect(await act(body, { ...AUTHORIZED, authorization }), authorization).to.have.property('status', 401)
      }

      expect(node.services.connectionManager.isProtected(remotePeer)).to.be.false()
    })

    it('refuses bodies that are none, too large, or nonsense', async () => {
      expect(await act({ action: 'trim' }, { ...AUTHORIZED, 'content-type': 'text/plain' })).to.have.property('status', 415)
      expect(await act('{')).to.include({ status: 400, text: 'The body is no JSON\n' })
      expect(await act('x'.repeat(5_000))).to.have.property('status', 413)
      expect(await act('x'.repeat(5_000), { ...AUTHORIZED, 'transfer-encoding': 'chunked' })).to.have.property('status', 413)

      for (const body of [null, [], 'text', 7, {}, { action: 'destroy', peer: '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' }, { action: 'ban' }, { action: 'ban', peer: {} }, { action: 'ban', peer: 'nobody' }, { action: 'unban', peer: '!' }, { action: '__proto__' }]) {
        expect(await act(body), JSON.stringify(body)).to.have.property('status', 400)
      }
    })

    it('ends a huge body without reading it', async () => {
      const answer = await sendRaw(node, `POST /api/actions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n{`)

      expect(answer).to.match(/^HTTP\/1\.1 413 /)
    })
  })

  it('does not start on a port that is in use', async () => {
    node = await createInspectedNode()
    const port = Number(new URL(urlOf(node)).port)

    await expect(createInspectedNode({}, { port })).to.eventually.be.rejected.with.property('code', 'EADDRINUSE')
  })

  it('does not start beside another connection manager', async () => {
    node = await createInspectedNode()

    await expect(createPlainNode({ services: { inspector: inspector({ port: 0 }) } })).to.eventually.be.rejected
      .with.property('name', 'UnmetServiceDependenciesError')
  })
})
