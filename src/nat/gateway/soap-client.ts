import { GatewayError, toGatewayError } from '../errors.ts'
import { decodeSOAPResponse, encodeSOAPRequest } from './soap-message.ts'
import { MAX_XML_LENGTH } from './xml.ts'
import type { IGDService } from './igd-description.ts'
import type { XMLElement } from './xml.ts'
import type { HTTPResponse, Network } from '../network/types.ts'
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
