/**
 * What gateways and servers send, as the parsers get it: real shapes, and inputs
 * that were once thought to be trouble. The fuzzer starts from them.
 */
export interface Seed {
  parser: 'pmp' | 'pcp' | 'ssdp' | 'description' | 'soap' | 'dial-response' | 'dial-back' | 'ip' | 'routes'
  data: string | number[]
}

const header = '<?xml version="1.0"?>'
const envelope = (body: string): string => `${header}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${body}</s:Body></s:Envelope>`
const service = (type: string): string => `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>/ctl</controlURL></service>`

export const seeds: Seed[] = [
  { parser: 'pmp', data: [0, 0x80, 0, 0, 0, 0, 0, 9, 81, 2, 69, 10] },
  { parser: 'pmp', data: [0, 0x80, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0] },
  { parser: 'pmp', data: [0, 0x82, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 0x0f, 0xa1, 0, 0, 0x0e, 0x10] },
  { parser: 'pmp', data: [0, 0x81, 0, 1] },
  { parser: 'pmp', data: [] },
  { parser: 'pcp', data: [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, ...zeros(12)] },
  { parser: 'pcp', data: [2, 0x81, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 9, ...zeros(12), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 6, 0, 0, 0, 0x0f, 0xa1, 0x0f, 0xa1, ...zeros(10), 0xff, 0xff, 81, 2, 69, 10] },
  { parser: 'pcp', data: [2, 0x81, 0, 8, 0, 0, 0, 30, 0, 0, 0, 9, ...zeros(12), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 6, 0, 0, 0, 0x0f, 0xa1, 0, 0, ...zeros(10), 0xff, 0xff, 100, 64, 0, 10] },
  { parser: 'pcp', data: [0, 0x81, 0, 1, 0, 0, 0, 0] },
  { parser: 'ssdp', data: 'HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:2\r\nLOCATION: http://192.168.1.1:5000/rootDesc.xml\r\nBOOTID.UPNP.ORG: 1\r\n\r\n' },
  { parser: 'ssdp', data: 'NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:byebye\r\nNT: upnp:rootdevice\r\n\r\n' },
  { parser: 'ssdp', data: 'HTTP/1.1 200 OK\r\nLOCATION: http://[fe80::1%25eth0]:80/\r\n\r\n' },
  { parser: 'description', data: `${header}<root xmlns="urn:schemas-upnp-org:device-1-0"><URLBase>http://192.168.1.1:5000/</URLBase><device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:2</deviceType><deviceList><device><serviceList>${service('WANIPConnection:2')}${service('WANIPv6FirewallControl:1')}</serviceList></device></deviceList></device></root>` },
  { parser: 'description', data: `<root><device><serviceList>${service('WANPPPConnection:1')}</serviceList><deviceList/></device></root>` },
  { parser: 'description', data: '<root><device><deviceList><device/><device/></deviceList></device></root>' },
  { parser: 'description', data: '<!DOCTYPE b [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><root><device>&b;</device></root>' },
  { parser: 'description', data: '<root><device><__proto__><constructor>x</constructor></__proto__></device></root>' },
  { parser: 'soap', data: envelope('<u:GetExternalIPAddressResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewExternalIPAddress>81.2.69.10</NewExternalIPAddress></u:GetExternalIPAddressResponse>') },
  { parser: 'soap', data: envelope('<u:GetExternalIPAddressResponse><NewExternalIPAddress></NewExternalIPAddress></u:GetExternalIPAddressResponse>') },
  { parser: 'soap', data: envelope('<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError><errorCode>718</errorCode><errorDescription>ConflictInMappingEntry</errorDescription></UPnPError></detail></s:Fault>') },
  { parser: 'soap', data: envelope('<![CDATA[<u:GetExternalIPAddressResponse/>]]><!-- --><?pi x?>&amp;&#65;&lt;') },
  { parser: 'dial-response', data: [0x08, 0x12, 0x06, 0x08, 0xc8, 0x01, 0x18, 0xc8, 0x01] },
  { parser: 'dial-response', data: [0x04, 0x12, 0x02, 0x08, 0x64] },
  { parser: 'dial-response', data: [0x06, 0x1a, 0x04, 0x10, 0xb0, 0xea, 0x01, 0x08, 0x12, 0x06, 0x08, 0xc8, 0x01, 0x18, 0x64] },
  { parser: 'dial-response', data: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0] },
  { parser: 'dial-back', data: [0x09, 1, 2, 3, 4, 5, 6, 7, 8] },
  { parser: 'dial-back', data: [0x0a, 0x13, 0x0a, 0x08, 4, 81, 2, 69, 10, 6, 0x0f, 0xa1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8] },
  { parser: 'ip', data: '81.2.69.10' },
  { parser: 'ip', data: '100.64.0.1' },
  { parser: 'ip', data: '2a02:aa:1::2' },
  { parser: 'ip', data: '::ffff:10.0.0.1' },
  { parser: 'routes', data: 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n' },
  { parser: 'routes', data: `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n` }
]

function zeros (count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
