import { request as httpRequest } from 'node:http'
import type { HTTPRequest, HTTPResponse } from './types.ts'

/**
 * Send an HTTP request over a connection of its own. Redirects are not
 * followed, and nothing longer than asked for is kept.
 */
export async function request (url: URL, options: HTTPRequest): Promise<HTTPResponse> {
  const { method, headers, body, localAddress, maxBytes, signal } = options

  return new Promise<HTTPResponse>((resolve, reject) => {
    const req = httpRequest(url, {
      method,
      agent: false,
      localAddress,
      signal,
      headers: {
        ...headers,
        connection: 'close',
        ...(body == null ? {} : { 'content-length': body.byteLength })
      }
    }, res => {
      const chunks: Uint8Array[] = []
      let length = 0
      const from = res.socket.localAddress?.replace(/^::ffff:/, '') ?? ''

      res.on('data', (chunk: Uint8Array) => {
        length += chunk.byteLength

        if (length > maxBytes) {
          req.destroy(new Error(`The answer of ${url.host} is longer than ${maxBytes} bytes`))
          return
        }

        chunks.push(chunk)
      })
      res.on('error', reject)
      res.on('aborted', () => { reject(new Error(`The answer of ${url.host} ended too early`)) })
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), localAddress: from })
      })
    })

    req.on('error', reject)
    // agents differ in whether they hand the socket out at once
    req.on('socket', socket => { socket.unref() })
    req.end(body)
  })
}
