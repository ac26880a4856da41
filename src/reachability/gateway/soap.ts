import { GatewayError, toGatewayError } from './gateway-client.ts'
import { childOf, escapeXML, MAX_XML_LENGTH, parseXML, textOf } from './xml.ts'
import type { GatewayErrorCode } from './gateway-client.ts'
import type { IGDService } from './igd-description.ts'
import type { XMLElement } from './xml.ts'
import type { HTTPResponse, Network } from '../network/network.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * How to send a request to a gateway
 */
export interface SOAPOptions extends AbortOptions {
  /**
   * Send it from this address of this machine
   */
  localAddress?: string
}

/**
 * Fetch a document from a gateway
 *
 * @throws {GatewayError}
 */
export async function fetchDocument (network: Network, url: URL, options: SOAPOptions = {}): Promise<HTTPResponse> {
  try {
    const response = await network.request(url, { method: 'GET', maxBytes: MAX_XML_LENGTH, ...options })

    if (response.status !== 200) {
      throw new GatewayError('malformed', `${url} answered with status ${response.status}`, { status: response.status })
    }

    return response
  } catch (err) {
    throw toGatewayError(err)
  }
}

/**
 * Call an action of a service
 *
 * @throws {GatewayError}
 */
export async function callSOAP (network: Network, service: IGDService, action: string, args: Record<string, string | number>, options: SOAPOptions = {}): Promise<XMLElement> {
  try {
    const response = await network.request(service.controlURL, {
      method: 'POST',
      headers: {
        'content-type': 'text/xml; charset="utf-8"',
        soapaction: `"${service.type}#${action}"`
      },
      body: encodeSOAPRequest(service.type, action, args),
      maxBytes: MAX_XML_LENGTH,
      ...options
    })

    if (response.status === 200) {
      return decodeSOAPResponse(action, response.body)
    }

    throw refusalOf(action, response)
  } catch (err) {
    throw toGatewayError(err)
  }
}

/**
 * Why a gateway refused. A fault comes with status 500, which many send without one.
 */
function refusalOf (action: string, { status, body }: HTTPResponse): GatewayError {
  try {
    decodeSOAPResponse(action, body)
  } catch (err) {
    if (err instanceof GatewayError && err.status != null) {
      return err
    }
  }

  return new GatewayError(status === 500 ? 'failed' : 'malformed', `${action} was answered with status ${status}`, { status })
}

// UPnP Device Architecture 2.0 section 3.2.2, WANIPConnection:2 section 2.5,
// WANIPv6FirewallControl:1 section 2.5
const FAULTS: Record<number, GatewayErrorCode> = {
  401: 'unsupported',
  402: 'unsupported',
  501: 'network-failure',
  602: 'unsupported',
  606: 'not-authorized',
  703: 'not-authorized',
  704: 'not-found',
  713: 'not-found',
  714: 'not-found',
  718: 'conflict',
  724: 'same-port-only',
  725: 'permanent-lease-only',
  728: 'no-resources',
  729: 'conflict',
  730: 'no-resources'
}

/**
 * The body of a SOAP request, with every value escaped
 */
export function encodeSOAPRequest (serviceType: string, action: string, args: Record<string, string | number>): Uint8Array {
  const values = Object.entries(args).map(([name, value]) => `<${name}>${escapeXML(String(value))}</${name}>`).join('')

  return new TextEncoder().encode('<?xml version="1.0"?>\r\n' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
    `<s:Body><u:${action} xmlns:u="${escapeXML(serviceType)}">${values}</u:${action}></s:Body></s:Envelope>\r\n`)
}

/**
 * The answer to a SOAP request: the element that holds its values
 *
 * @throws {GatewayError} the gateway refused, or this is not an answer
 */
export function decodeSOAPResponse (action: string, text: string): XMLElement {
  const body = childOf(childOf(parseXML(text), 'Envelope'), 'Body')
  const fault = childOf(body, 'Fault')

  if (fault != null) {
    throw faultError(action, fault)
  }

  const response = childOf(body, `${action}Response`)

  if (response == null) {
    throw new GatewayError('malformed', `This is not an answer to ${action}`)
  }

  return response
}

function faultError (action: string, fault: XMLElement): GatewayError {
  const detail = childOf(childOf(fault, 'detail'), 'UPnPError')
  const status = Number(textOf(detail, 'errorCode'))

  if (!Number.isInteger(status)) {
    return new GatewayError('failed', `${action} failed`)
  }

  return new GatewayError(FAULTS[status] ?? 'failed', `${action}: UPnP error ${status}`, { status })
}
