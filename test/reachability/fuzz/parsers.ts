import { expect } from 'aegir/chai'
import { bytesToIp, familyOf, ipToBytes, isPublicIp } from '../../../src/addresses/index.ts'
import { GatewayError } from '../../../src/reachability/gateway/gateway-client.ts'
import { parseIGDDescription } from '../../../src/reachability/gateway/igd-description.ts'
import { decodePCPAnnounce, decodePCPMap } from '../../../src/reachability/gateway/pcp.ts'
import { decodePMPAddress, decodePMPMapping } from '../../../src/reachability/gateway/pmp.ts'
import { decodeSOAPResponse } from '../../../src/reachability/gateway/soap.ts'
import { acceptLocation, decodeSSDP } from '../../../src/reachability/gateway/ssdp.ts'
import { parseRoutesIPv4, parseRoutesIPv6 } from '../../../src/reachability/network/route-table.ts'
import { DialResponseReader, readDialBack, replaceNonce } from '../../../src/reachability/probing/messages.ts'
import type { Seed } from './seeds.ts'
import type { PCPMapRequest } from '../../../src/reachability/gateway/pcp.ts'

const location = new URL('http://192.168.1.1:5000/rootDesc.xml')
const request: PCPMapRequest = { clientAddress: '192.168.1.2', nonce: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), protocol: 'tcp', internalPort: 4001, externalPort: 4001, lifetime: 3_600 }

/**
 * Everything that reads what gateways and servers send. What they take must make
 * sense; they refuse with a GatewayError or `undefined`, and do nothing else.
 */
export const parsers: Record<Seed['parser'], (data: Uint8Array, text: string) => void> = {
  pmp: data => {
    each(() => {
      const address = decodePMPAddress(data)
      expect(address == null || familyOf(address.externalAddress) === 4).to.be.true()
    })
    each(() => {
      const mapping = decodePMPMapping(data, 'tcp', 4001)
      expect(mapping == null || (mapping.externalPort <= 0xffff && mapping.internalPort === 4001)).to.be.true()
    })
  },
  pcp: data => {
    each(() => { decodePCPAnnounce(data) })
    each(() => {
      const mapping = decodePCPMap(data, request)
      expect(mapping == null || familyOf(mapping.externalAddress) != null).to.be.true()
    })
  },
  ssdp: data => {
    const url = acceptLocation(decodeSSDP(data)?.location, '192.168.1.1')
    expect(url == null || (url.hostname === '192.168.1.1' && url.protocol === 'http:')).to.be.true()
  },
  description: (_, text) => {
    each(() => {
      const { connections, firewall } = parseIGDDescription(text, location)
      expect([...connections, ...firewall == null ? [] : [firewall]].every(({ controlURL }) => controlURL.hostname === '192.168.1.1')).to.be.true()
    })
  },
  soap: (_, text) => {
    each(() => { decodeSOAPResponse('GetExternalIPAddress', text) })
  },
  'dial-response': data => {
    const reader = new DialResponseReader()
    reader.read(data.subarray(0, data.length / 2))
    reader.read(data.subarray(data.length / 2))
  },
  'dial-back': data => {
    const nonce = readDialBack(data)
    expect(nonce == null || nonce.byteLength === 8).to.be.true()
    const { byteLength } = data
    replaceNonce(data, new Uint8Array(8))
    expect(data.byteLength).to.equal(byteLength)
  },
  ip: (_, text) => {
    if (familyOf(text) != null) {
      expect(familyOf(bytesToIp(ipToBytes(text)))).to.be.a('number')
    }

    expect(!isPublicIp(text) || familyOf(text) != null).to.be.true()
  },
  routes: (_, text) => {
    expect([...parseRoutesIPv4(text), ...parseRoutesIPv6(text)].every(({ address }) => familyOf(address.split('%')[0]) != null)).to.be.true()
  }
}

function each (parse: () => void): void {
  try {
    parse()
  } catch (err) {
    if (!(err instanceof GatewayError)) {
      throw err
    }
  }
}
