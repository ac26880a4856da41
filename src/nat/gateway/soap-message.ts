import { GatewayError } from '../errors.ts'
import { childOf, escapeXML, parseXML, textOf } from './xml.ts'
import type { XMLElement } from './xml.ts'
import type { GatewayErrorCode } from '../errors.ts'

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
