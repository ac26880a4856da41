import { isLoopbackName } from './options.ts'

/**
 * What the guard looks at
 */
export interface GuardedHeaders {
  readonly host?: string
  readonly origin?: string
  readonly 'sec-fetch-site'?: string | string[]
}

/**
 * Why a request is refused, `undefined` if it is not.
 *
 * A web page in the browser of whoever runs the node must not read the inspector.
 * It can make requests to loopback, with its own name as the origin, and it can have
 * its own name resolved to loopback, which then stands in the `Host` header.
 */
export function refusalOf (headers: GuardedHeaders, allowedHosts: readonly string[]): string | undefined {
  const { host = '', origin, 'sec-fetch-site': site } = headers

  if (!isAllowedHost(host, allowedHosts)) {
    return 'This name is not allowed'
  }

  if (origin != null && origin.toLowerCase() !== `http://${host.toLowerCase()}` && origin.toLowerCase() !== `https://${host.toLowerCase()}`) {
    return 'This origin is not allowed'
  }

  if (site === 'cross-site' || site === 'same-site') {
    return 'Requests from other sites are not allowed'
  }
}

function isAllowedHost (host: string, allowedHosts: readonly string[]): boolean {
  // a name or an address, and perhaps a port
  const [, name] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host) ?? []

  if (name == null) {
    return false
  }

  const bare = name.replace(/^\[|\]$/g, '').toLowerCase()

  return isLoopbackName(bare) || allowedHosts.some(allowed => allowed.replace(/^\[|\]$/g, '').toLowerCase() === bare)
}
