import { expect } from 'aegir/chai'
import { toGatewayError } from '../../../src/reachability/gateway/gateway-client.ts'
import { parseIGDDescription } from '../../../src/reachability/gateway/igd-description.ts'
import { decodePCPAnnounce, decodePCPMap, encodePCPAnnounce, encodePCPMap } from '../../../src/reachability/gateway/pcp.ts'
import { decodePMPAddress, encodePMPAddressRequest, encodePMPMappingRequest } from '../../../src/reachability/gateway/pmp.ts'
import { decodeSOAPResponse, encodeSOAPRequest } from '../../../src/reachability/gateway/soap.ts'
import { acceptLocation, decodeSSDP, encodeSSDPSearch } from '../../../src/reachability/gateway/ssdp.ts'
import { epochWasReset } from '../../../src/reachability/gateway/udp-gateway.ts'
import { textOf } from '../../../src/reachability/gateway/xml.ts'
import { parseRoutesIPv4, parseRoutesIPv6 } from '../../../src/reachability/network/route-table.ts'
import { DialResponseReader } from '../../../src/reachability/probing/messages.ts'

const location = new URL('http://192.168.1.1:5000/rootDesc.xml')

function text (data: Uint8Array): string {
  return new TextDecoder().decode(data)
}

describe('messages to and from gateways', () => {
  it('of NAT-PMP are laid out as RFC 6886 says', () => {
    expect([...encodePMPAddressRequest()]).to.deep.equal([0, 0])
    expect([...encodePMPMappingRequest('tcp', 4001, 4002, 7_200)]).to.deep.equal([0, 2, 0, 0, 0x0f, 0xa1, 0x0f, 0xa2, 0, 0, 0x1c, 0x20])
    expect([...encodePMPMappingRequest('udp', 1, 0, 0)]).to.deep.equal([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    expect(decodePMPAddress(Uint8Array.of(0, 128, 0, 0, 0, 0, 1, 0, 81, 2, 69, 10))).to.deep.equal({ epoch: 256, externalAddress: '81.2.69.10' })
  })

  it('of PCP are laid out as RFC 6887 says', () => {
    const nonce = Uint8Array.from({ length: 12 }, (_, i) => i + 1)
    const request = { clientAddress: '192.168.1.2', nonce, protocol: 'udp' as const, internalPort: 4001, externalPort: 4002, lifetime: 3_600 }
    const data = encodePCPMap(request)

    expect([...data.subarray(0, 8)]).to.deep.equal([2, 1, 0, 0, 0, 0, 0x0e, 0x10])
    expect([...data.subarray(8, 24)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 2])
    expect([...data.subarray(24, 36)]).to.deep.equal([...nonce])
    expect([...data.subarray(36, 44)]).to.deep.equal([17, 0, 0, 0, 0x0f, 0xa1, 0x0f, 0xa2])
    expect([...data.subarray(44)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0])
    expect(encodePCPAnnounce('192.168.1.2')).to.have.lengthOf(24)

    data[1] = 0x81
    data[11] = 7
    expect(decodePCPMap(data, request)).to.deep.equal({ epoch: 7, externalPort: 4002, externalAddress: '0.0.0.0', lifetime: 3_600 })
    expect(decodePCPAnnounce(data)).to.be.undefined()
  })

  it('of SSDP are HTTP in a datagram', () => {
    expect(text(encodeSSDPSearch('target', '239.255.255.250', 1))).to.equal('M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: target\r\n\r\n')
    expect(decodeSSDP(new TextEncoder().encode('HTTP/1.1 200 OK\r\nst: a\r\nLocation: http://b/\r\nBootID.upnp.org: 7\r\n\r\n'))).to.deep.equal({ kind: 'response', target: 'a', location: 'http://b/', bootId: 7 })
    expect(decodeSSDP(new TextEncoder().encode('NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\n\r\n'))).to.include({ kind: 'byebye' })
    expect(decodeSSDP(new TextEncoder().encode('M-SEARCH * HTTP/1.1\r\n\r\n'))).to.be.undefined()
    expect(decodeSSDP(new TextEncoder().encode('HTTP/1.1 500 No\r\n\r\n'))).to.be.undefined()
  })

  it('lead only to the host that sent them', () => {
    expect(acceptLocation('http://192.168.1.1:5000/', '192.168.1.1')?.href).to.equal('http://192.168.1.1:5000/')
    expect(acceptLocation('http://192.168.1.1:5000/', '192.168.1.7')).to.be.undefined()
    expect(acceptLocation('http://81.2.69.10/', '81.2.69.10')).to.be.undefined()
    expect(acceptLocation('http://[2a02:aa:1:0::1]:5000/', '2a02:aa:1::1')).to.be.undefined()
    expect(acceptLocation('http://[2a02:aa:1:0::1]:5000/', '2a02:aa:1::1', () => true)?.hostname).to.equal('[2a02:aa:1::1]')
    expect(acceptLocation('http://[fe80::1]/', 'fe80::1%eth0')?.hostname).to.equal('[fe80::1]')
  })

  it('of SOAP escape what they carry', () => {
    const body = text(encodeSOAPRequest('urn:x', 'Do', { A: '<&>"\'', B: 7 }))

    expect(body).to.include('<u:Do xmlns:u="urn:x"><A>&lt;&amp;&gt;&quot;&apos;</A><B>7</B></u:Do>')
    expect(textOf(decodeSOAPResponse('Do', '<s:Envelope><s:Body><u:DoResponse><A>&lt;&amp;</A></u:DoResponse></s:Body></s:Envelope>'), 'A')).to.equal('<&')
    expect(() => decodeSOAPResponse('Do', '<Envelope><Body><Fault><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></Fault></Body></Envelope>')).to.throw().with.property('code', 'permanent-lease-only')
    expect(() => decodeSOAPResponse('Do', '<Envelope><Body><Fault/></Body></Envelope>')).to.throw().with.property('code', 'failed')
    expect(() => decodeSOAPResponse('Do', '<Envelope><Body><OtherResponse/></Body></Envelope>')).to.throw().with.property('code', 'malformed')
  })

  it('describe devices, best connection first', () => {
    const service = (type: string, url: string): string => `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${url}</controlURL></service>`
    const device = (services: string): string => `<root><device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><serviceList>${services}</serviceList></device></root>`
    const { version, connections, firewall } = parseIGDDescription(device(service('WANPPPConnection:1', '/ppp') + service('WANIPConnection:1', 'ip') + service('Other:1', '/x')), location)

    expect(version).to.equal(1)
    expect(connections.map(({ controlURL }) => controlURL.href)).to.deep.equal(['http://192.168.1.1:5000/ip', 'http://192.168.1.1:5000/ppp'])
    expect(firewall).to.be.undefined()
    expect(() => parseIGDDescription(device(service('Other:1', '/x')), location)).to.throw().with.property('code', 'unsupported')
    expect(() => parseIGDDescription(device(service('WANIPConnection:1', 'http://10.0.0.1/')), location)).to.throw().with.property('code', 'unsupported')
  })

  it('show a restart by their epoch', () => {
    expect(epochWasReset(undefined, { epoch: 0, at: 0 })).to.be.false()
    expect(epochWasReset({ epoch: 100, at: 0 }, { epoch: 130, at: 30_000 })).to.be.false()
    expect(epochWasReset({ epoch: 100, at: 0 }, { epoch: 99, at: 0 })).to.be.false()
    expect(epochWasReset({ epoch: 100, at: 0 }, { epoch: 2, at: 30_000 })).to.be.true()
    expect(epochWasReset({ epoch: 1, at: 0 }, { epoch: 3, at: 60_000 })).to.be.true()
    expect(epochWasReset({ epoch: 100, at: 0 }, { epoch: 9_000, at: 30_000 })).to.be.true()
  })

  it('fail in terms that are common to all protocols', () => {
    expect(toGatewayError(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))).to.include({ code: 'unavailable', name: 'GatewayError' })
    expect(toGatewayError(Object.assign(new Error('no'), { name: 'TimeoutError' }))).to.include({ code: 'timeout' })
    expect(toGatewayError('no')).to.include({ code: 'failed', message: 'no' })
  })
})

describe('default gateways', () => {
  it('stand in the routing table', () => {
    const ipv4 = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n' +
      'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n' +
      'eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
      'eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n'
    const none = '0'.repeat(32)
    const ipv6 = `${none} 00 ${none} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n` +
      `${none} 00 ${none} 00 2a0200aa000100000000000000000001 00000100 00000001 00000000 00000003     eth0\n` +
      `${none} 00 ${none} 00 ${none} ffffffff 00000001 00000000 00200200       lo\n`

    expect(parseRoutesIPv4(ipv4)).to.deep.equal([{ family: 4, address: '192.168.2.1' }, { family: 4, address: '192.168.1.1' }])
    expect(parseRoutesIPv6(ipv6)).to.deep.equal([{ family: 6, address: '2a02:aa:1::1' }, { family: 6, address: 'fe80::1%eth0' }])
  })
})

describe('answers of AutoNAT servers', () => {
  const answers: Record<string, number[]> = {
    reachable: [0x08, 0x12, 0x06, 0x08, 0xc8, 0x01, 0x18, 0xc8, 0x01],
    unreachable: [0x07, 0x12, 0x05, 0x08, 0xc8, 0x01, 0x18, 0x64],
    'dial-back-failed': [0x07, 0x12, 0x05, 0x08, 0xc8, 0x01, 0x18, 0x65],
    refused: [0x04, 0x12, 0x02, 0x08, 0x65],
    rejected: [0x04, 0x12, 0x02, 0x08, 0x64],
    failed: [0x02, 0x12, 0x00]
  }

  for (const [verdict, bytes] of Object.entries(answers)) {
    it(`say ${verdict}, in any number of pieces, and after a request for data`, () => {
      const whole = new DialResponseReader()
      expect(whole.read(Uint8Array.from([0x06, 0x1a, 0x04, 0x10, 0xb0, 0xea, 0x01, ...bytes]))).to.equal(verdict)

      const pieces = new DialResponseReader()
      const verdicts = bytes.map(byte => pieces.read(Uint8Array.of(byte)))
      expect(verdicts.at(-1)).to.equal(verdict)
      expect(verdicts.slice(0, -1).every(entry => entry === undefined)).to.be.true()
    })
  }

  it('are not kept for ever', () => {
    const reader = new DialResponseReader()

    expect(reader.read(Uint8Array.of(0xff, 0xff, 0x7f))).to.be.undefined()
    expect(reader.read(new Uint8Array(8_192))).to.equal('failed')
  })
})
