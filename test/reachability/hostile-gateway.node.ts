import { expect } from 'aegir/chai'
import { systemClock } from '../../src/clock.ts'
import { systemRandom } from '../../src/random.ts'
import { discoverGateways } from '../../src/reachability/gateway/discovery.ts'
import { resolveOptions } from '../../src/reachability/resolve-options.ts'
import { FakeGateway } from './fixtures/fake-gateway.ts'
import { loopbackNetwork } from './fixtures/loopback-network.ts'
import type { GatewayClient } from '../../src/reachability/gateway/gateway-client.ts'
import type { MappingInit } from '../../src/reachability/options.ts'

/**
 * For a gateway that is to be found, and answers at once however busy the machine is
 */
const PATIENT: MappingInit = { discoveryTimeout: 20_000, requestTimeout: 10_000 }

describe('gateways that lie', () => {
  let gateway: FakeGateway
  let victim: FakeGateway

  beforeEach(async () => {
    gateway = new FakeGateway()
    victim = new FakeGateway()
    await gateway.start()
    await victim.start()
    gateway.speaks = { pcp: false, pmp: false, upnp: true }
  })

  afterEach(async () => {
    await gateway.stop()
    await victim.stop()
  })

  async function discover (mapping: MappingInit = {}): Promise<GatewayClient[]> {
    return discoverGateways({
      family: 4,
      network: loopbackNetwork(gateway),
      clock: systemClock,
      random: systemRandom,
      options: resolveOptions({ mapping: { protocols: ['upnp'], discoveryTimeout: 300, requestTimeout: 200, ...mapping } }).mapping
    })
  }

  it('finds one that does not', async () => {
    expect(await discover(PATIENT)).to.have.lengthOf(1)
  })

  ;[
    'http://127.0.0.2:PORT/description.xml',
    'http://localhost:PORT/description.xml',
    'http://81.2.69.10/description.xml',
    'https://127.0.0.1:PORT/description.xml',
    'http://user:password@127.0.0.1:PORT/description.xml',
    'file:///etc/passwd',
    'not a URL',
    ''
  ].forEach(location => {
    it(`does not follow the location "${location}"`, async () => {
      gateway.location = location.replace('PORT', String(victim.httpPort))

      expect(await discover()).to.be.empty()
      expect(victim.requests).to.be.empty()
    })
  })

  it('follows no redirect', async () => {
    gateway.onHTTP = (_, response) => {
      response.writeHead(302, { location: victim.descriptionURL }).end()

      return true
    }

    expect(await discover()).to.be.empty()
    expect(victim.requests).to.be.empty()
  })

  ;['http://81.2.69.10/control', 'https://127.0.0.1/control', '//10.0.0.1/control', 'file:///control', ''].forEach(controlURL => {
    it(`sends no requests to the control URL "${controlURL}"`, async () => {
      gateway.controlURL = controlURL

      expect(await discover()).to.be.empty()
    })
  })

  const bodies = {
    'a huge document': '<root>'.padEnd(300 * 1024, 'x'),
    'an entity bomb': '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><root><device>&b;</device></root>',
    'a deep document': '<a>'.repeat(50_000),
    'a cut document': '<?xml version="1.0"?><root><device><serviceList>',
    'no XML': 'hello',
    nothing: '',
    'the wrong XML': '<root><device>text</device></root>'
  }

  Object.entries(bodies).forEach(([name, body]) => {
    it(`takes ${name} for no description`, async () => {
      gateway.onHTTP = (_, response) => {
        response.end(body)

        return true
      }

      expect(await discover()).to.be.empty()
    })

    it(`takes ${name} for no answer`, async () => {
      const [client] = await discover(PATIENT)
      gateway.onHTTP = (_, response) => {
        response.end(body)

        return true
      }

      await expect(client.externalAddress()).to.eventually.be.rejected.with.property('name', 'GatewayError')
    })
  })

  it('waits for nobody who keeps the line open', async () => {
    gateway.onHTTP = () => true

    expect(await discover()).to.be.empty()
  })

  it('ignores nonsense on the search socket', async () => {
    gateway.onDatagram = (_, respond) => {
      respond(new Uint8Array(60_000))
      respond(new TextEncoder().encode('HTTP/1.1 200 OK'))
      respond(new TextEncoder().encode('HTTP/1.1 200 OK\r\nLOCATION\r\n\r\n'))
      respond(Uint8Array.of(0xff, 0xfe))

      return false
    }

    expect(await discover(PATIENT)).to.have.lengthOf(1)
  })

  it('prefers the first protocol of the list among those that answer', async () => {
    gateway.speaks = { pcp: true, pmp: true, upnp: true }

    for (const protocols of [['pcp', 'pmp', 'upnp'], ['pmp', 'upnp', 'pcp'], ['upnp', 'pcp']] as const) {
      const [client] = await discover({ ...PATIENT, protocols: [...protocols] })

      expect(client.protocol).to.equal(protocols[0] === 'upnp' ? 'igd2' : protocols[0])
    }
  })
})
