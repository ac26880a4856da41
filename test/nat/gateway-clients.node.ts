import { createSocket } from 'node:dgram'
import { expect } from 'aegir/chai'
import { systemClock } from '../../src/clock.ts'
import { IGDClient } from '../../src/nat/gateway/igd-client.ts'
import { PCPClient } from '../../src/nat/gateway/pcp-client.ts'
import { PMPClient } from '../../src/nat/gateway/pmp-client.ts'
import { wantedMappings } from '../../src/nat/mapping/mapping.ts'
import { systemNetwork } from '../../src/nat/network/sockets.ts'
import { systemRandom } from '../../src/random.ts'
import { FakeGateway } from './fixtures/fake-gateway.ts'
import type { IGDClientInit } from '../../src/nat/gateway/igd-client.ts'
import type { GatewayClient, MappingRequest } from '../../src/nat/gateway/types.ts'
import type { Network } from '../../src/nat/network/types.ts'

const network = withoutLocalAddress()
const tcp: MappingRequest = { protocol: 'tcp', internalAddress: '127.0.0.1', internalPort: 4001, externalPort: 4001, lease: 3_600_000 }
const udp: MappingRequest = { ...tcp, protocol: 'udp' }

function withoutLocalAddress (): Network {
  const network = systemNetwork

  if (network == null) {
    throw new Error('There is no network here')
  }

  return { ...network, request: async (url, request) => network.request(url, { ...request, localAddress: undefined }) }
}

describe('gateway clients', () => {
  let gateway: FakeGateway

  beforeEach(async () => {
    gateway = new FakeGateway()
    await gateway.start()
  })

  afterEach(async () => {
    await gateway.stop()
  })

  function pmp (): PMPClient {
    return new PMPClient({ host: '127.0.0.1', port: gateway.controlPort, network, clock: systemClock })
  }

  function pcp (): PCPClient {
    return new PCPClient({ host: '127.0.0.1', port: gateway.controlPort, network, clock: systemClock })
  }

  function igd (init: Partial<IGDClientInit> = {}): IGDClient {
    const service = (type: string): { type: string, controlURL: URL } => ({
      type: `urn:schemas-upnp-org:service:${type}`,
      controlURL: new URL(gateway.controlURL, gateway.descriptionURL)
    })

    return new IGDClient({
      description: gateway.igd === 2
        ? { version: 2, connections: [service('WANIPConnection:2')], firewall: service('WANIPv6FirewallControl:1') }
        : { version: 1, connections: [service('WANIPConnection:1')] },
      family: 4,
      localAddress: '127.0.0.1',
      label: 'libp2p',
      fallbackPorts: 3,
      fallbackRange: [10_000, 65_535],
      network,
      random: systemRandom,
      ...init
    })
  }

  Object.entries<() => GatewayClient>({ 'NAT-PMP': pmp, PCP: pcp, UPnP: igd }).forEach(([name, create]) => {
    it(`${name} maps, renews and gives back TCP and UDP`, async () => {
      const client = create()

      const grants = []

      for (const request of [tcp, udp]) {
        const grant = await client.map(request)
        grants.push(grant)
        expect(grant).to.include({ externalPort: 4001, lease: 3_600_000 })
        expect(await client.map(request, grant)).to.deep.equal(grant)
      }

      expect(gateway.mappings.map(({ protocol, externalPort, lease }) => ({ protocol, externalPort, lease }))).to.deep.equal([
        { protocol: 'tcp', externalPort: 4001, lease: 3_600 },
        { protocol: 'udp', externalPort: 4001, lease: 3_600 }
      ])

      await client.unmap(tcp, grants[0])
      await client.unmap(udp, grants[1])

      expect(gateway.mappings).to.be.empty()
    })
  })

  describe('NAT-PMP', () => {
    it('D11: sends the lifetime in seconds and the external port it has', async () => {
      gateway.mappings.push({ via: 'upnp', protocol: 'tcp', internalAddress: '127.0.0.9', internalPort: 1, externalPort: 4001, lease: 0 })
      const client = pmp()
      const grant = await client.map(tcp)
      expect(grant.externalPort).to.equal(4002)
      await client.map(tcp, grant)

      expect(gateway.requests.at(-1)?.args).to.deep.equal({ protocol: 'tcp', internalPort: '4001', externalPort: '4002', lifetime: '3600' })
    })

    it('D11: asks again when a packet is lost', async () => {
      gateway.dropped = 2

      expect(await pmp().externalAddress()).to.equal('81.2.69.10')
    })

    it('D11: gives up on silence, and is told at once that nobody listens', async () => {
      gateway.dropped = 100
      await expect(pmp().externalAddress({ signal: AbortSignal.timeout(50) })).to.eventually.be.rejected.with.property('code', 'timeout')

      const client = pmp()
      gateway.closeControl()
      await expect(client.externalAddress()).to.eventually.be.rejected.with.property('code', 'unavailable')
    })

    it('D11: runs any number of requests at once, from ports of their own', async () => {
      const client = pmp()

      expect(await Promise.all(Array.from({ length: 20 }, async () => client.externalAddress()))).to.have.lengthOf(20)
    })

    it('D11: does not hear strangers', async () => {
      const stranger = createSocket('udp4')
      let tries = 0
      gateway.onDatagram = (data, respond, via, port) => {
        stranger.send(Uint8Array.of(0, 128, 0, 0, 0, 0, 0, 1, 6, 6, 6, 6), port, '127.0.0.1')
        tries++

        return tries === 1
      }

      expect(await pmp().externalAddress()).to.equal('81.2.69.10')
      expect(tries).to.equal(2)
      stranger.close()
    })

    it('ignores answers to something else, and cut ones', async () => {
      gateway.onDatagram = (data, respond) => {
        respond(Uint8Array.of())
        respond(Uint8Array.of(0))
        respond(Uint8Array.of(0, 0x80, 0, 0, 0, 0, 0, 1, 1, 2))
        respond(Uint8Array.of(7, 0x80, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4))
        respond(Uint8Array.of(0, 0x82, 0, 0, 0, 0, 0, 1, 0, 7, 0, 8, 0, 0, 0, 9))

        return false
      }

      expect(await pmp().externalAddress()).to.equal('81.2.69.10')
      expect(await pmp().map(tcp)).to.include({ externalPort: 4001 })
    })

    it('names the reason of a refusal', async () => {
      for (const [result, code] of Object.entries({ 1: 'unsupported', 2: 'not-authorized', 3: 'network-failure', 4: 'no-resources', 99: 'failed' })) {
        gateway.result = () => Number(result)
        await expect(pmp().map(tcp)).to.eventually.be.rejected.with.property('code', code)
      }
    })

    it('notices that the gateway lost its mappings', async () => {
      const client = pmp()
      await client.externalAddress()
      gateway.reboot()
      await client.externalAddress()

      expect(client.resets).to.equal(1)
    })
  })

  describe('PCP', () => {
    it('keeps the nonce to renew and to give back', async () => {
      const client = pcp()
      const grant = await client.map(tcp)
      await client.map(tcp, grant)
      await client.unmap(tcp, grant)
      const tokens = gateway.requests.map(({ args }) => args.token)

      expect(new Set(tokens)).to.have.property('size', 1)
      expect(gateway.mappings).to.be.empty()
      expect(gateway.requests[0].args.client).to.equal('127.0.0.1')
    })

    it('ignores answers with another nonce, protocol or port', async () => {
      gateway.onDatagram = (data, respond) => {
        for (const index of [24, 35, 36, 41]) {
          const wrong = new Uint8Array(data)
          wrong[1] |= 0x80
          wrong[3] = 0
          wrong[index] ^= 1
          wrong.fill(1, 44)
          respond(wrong)
        }

        return false
      }

      expect(await pcp().map(tcp)).to.include({ externalAddress: '81.2.69.10' })
    })

    it('passes the address on that comes with a refusal', async () => {
      gateway.externalAddress = '100.64.0.10'
      gateway.result = () => 8

      await expect(pcp().map(tcp)).to.eventually.be.rejected.with.property('externalAddress', '100.64.0.10')
    })

    it('is told that the gateway speaks NAT-PMP only', async () => {
      gateway.speaks.pcp = false

      await expect(pcp().map(tcp)).to.eventually.be.rejected.with.property('code', 'unsupported')
    })
  })

  describe('UPnP', () => {
    it('D7: gives UDP back, from the external port, with its protocol', async () => {
      gateway.mappings.push({ via: 'upnp', protocol: 'udp', internalAddress: '127.0.0.9', internalPort: 1, externalPort: 4001, lease: 0 })
      const client = igd()
      const grant = await client.map(udp)
      expect(grant.externalPort).to.equal(4002)
      await client.unmap(udp, grant)

      expect(gateway.mappings).to.have.lengthOf(1)
      expect(gateway.requests.at(-1)?.args).to.include({ NewProtocol: 'UDP', NewExternalPort: '4002' })
    })

    it('D10: opens, renews, checks and closes pinholes at the firewall', async () => {
      const client = igd({ family: 6 })
      const request = { ...tcp, internalAddress: '2a02:aa:1::2' }
      const grant = await client.map(request)
      expect(await client.isMapped(request, grant)).to.be.true()
      expect(await client.map(request, grant)).to.deep.equal(grant)
      await client.unmap(request, grant)

      expect(gateway.mappings).to.be.empty()
      expect(new Set(gateway.requests.map(({ args }) => args.type))).to.deep.equal(new Set(['urn:schemas-upnp-org:service:WANIPv6FirewallControl:1']))
      expect(gateway.actions('upnp')).to.deep.equal(['AddPinhole', 'CheckPinholeWorking', 'UpdatePinhole', 'DeletePinhole'])
    })

    it('D10: opens a new pinhole when the old one is gone', async () => {
      const client = igd({ family: 6 })
      const grant = await client.map(tcp)
      gateway.reboot()

      expect(await client.isMapped(tcp, grant)).to.be.false()
      expect(await client.map(tcp, grant)).to.have.property('token', '2')
    })

    it('D13: escapes what it sends, and counts bytes', async () => {
      const label = 'a <b> & "c" ü €'
      await igd({ label }).map(tcp)
      await igd({ label: label.replace(/[ü€]/g, 'x') }).map(tcp)
      const [{ args }, { args: ascii }] = gateway.requests

      expect(args.NewPortMappingDescription).to.equal(label)
      expect(args.length).to.equal(args.bytes)
      // one letter of two bytes and one of three
      expect(Number(args.length)).to.equal(Number(ascii.length) + 1 + 2)
    })

    it('D13: answers everybody who asks at the same time', async () => {
      const client = igd()

      expect(await Promise.all(Array.from({ length: 10 }, async () => client.externalAddress()))).to.deep.equal(Array.from({ length: 10 }, () => '81.2.69.10'))
    })

    it('uses AddPortMapping where AddAnyPortMapping is refused', async () => {
      for (const status of [401, 402, 602]) {
        gateway.mappings = []
        gateway.fault = action => action === 'AddAnyPortMapping' ? status : undefined

        expect(await igd().map(tcp)).to.deep.equal({ externalPort: 4001, lease: 3_600_000 })
      }
    })

    it('tries random ports when the wished one is taken', async () => {
      gateway.igd = 1
      gateway.fault = (action, args) => action === 'AddPortMapping' && args.NewExternalPort === '4001' ? 718 : undefined
      const { externalPort } = await igd().map(tcp)

      expect(externalPort).to.be.within(10_000, 65_535)
    })

    it('gives up after three of them', async () => {
      gateway.igd = 1
      gateway.fault = () => 718
      await expect(igd().map(tcp)).to.eventually.be.rejected.with.property('code', 'conflict')

      expect(gateway.requests).to.have.lengthOf(4)
    })

    it('uses the internal port as external one where it must', async () => {
      gateway.igd = 1
      gateway.fault = (action, args) => args.NewExternalPort === args.NewInternalPort ? undefined : 724

      expect(await igd().map({ ...tcp, externalPort: 5_000 })).to.include({ externalPort: 4001 })
    })

    it('asks for no end where leases are unknown, and remembers that', async () => {
      gateway.igd = 1
      gateway.fault = (action, args) => args.NewLeaseDuration === '0' ? undefined : 725
      const client = igd()
      expect(await client.map(tcp)).to.deep.equal({ externalPort: 4001, lease: 0 })
      await client.map(udp)

      expect(gateway.requests).to.have.lengthOf(3)
    })

    it('asks all WAN connections of a router in turn, and goes on with the one that works', async () => {
      gateway.igd = 1
      gateway.services = ['urn:schemas-upnp-org:service:WANPPPConnection:1']
      const [first, second] = ['WANIPConnection:1', 'WANPPPConnection:1'].map(type => ({
        type: `urn:schemas-upnp-org:service:${type}`,
        controlURL: new URL(gateway.controlURL, gateway.descriptionURL)
      }))

      for (const status of [401, 501, undefined]) {
        gateway.requests = []
        gateway.mappings = []
        gateway.fault = (action, { type }) => type === first.type ? status : undefined
        const client = igd({ description: { version: 1, connections: [first, second] } })
        expect(await client.externalAddress()).to.equal('81.2.69.10')
        const grant = await client.map(tcp)
        expect(grant).to.deep.equal({ externalPort: 4001, lease: 3_600_000 })
        expect(await client.isMapped(tcp, grant)).to.be.true()
        await client.unmap(tcp, grant)

        expect(gateway.mappings).to.be.empty()
        expect(gateway.requests.map(({ args }) => args.type)).to.deep.equal([first.type, second.type, second.type, second.type, second.type])
      }
    })

    it('takes the WAN connection that has an address, and the address of the one that maps', async () => {
      const services = ['wan1', 'wan2'].map(path => ({ type: 'urn:schemas-upnp-org:service:WANIPConnection:1', controlURL: new URL(`/${path}`, gateway.descriptionURL) }))
      const addresses: Record<string, string> = { '/wan1': '0.0.0.0', '/wan2': '81.2.69.10' }
      let refuses: string | undefined
      gateway.igd = 1
      gateway.fault = (action, { path }) => {
        gateway.externalAddress = addresses[path]

        return action === 'AddPortMapping' && path === refuses ? 606 : undefined
      }
      const client = igd({ description: { version: 1, connections: services } })
      expect(await client.externalAddress()).to.equal('81.2.69.10')

      addresses['/wan1'] = '81.2.69.11'
      refuses = '/wan2'
      expect(await client.map(tcp)).to.deep.equal({ externalPort: 4001, lease: 3_600_000, externalAddress: '81.2.69.11' })
      expect(await client.externalAddress()).to.equal('81.2.69.11')

      addresses['/wan1'] = ''
      addresses['/wan2'] = ''
      expect(await client.externalAddress()).to.equal('')
    })

    it('asks for another port where the reason of a refusal may be that it is taken', async () => {
      gateway.igd = 1

      for (const status of [402, 715, 729]) {
        gateway.fault = (action, args) => args.NewExternalPort === '4001' ? status : undefined
        const grant = await igd().map(tcp)

        expect(grant.externalPort).to.be.within(10_000, 65_535)
        expect(grant.lease).to.equal(3_600_000)
      }
    })

    it('asks for no end where the reason of a refusal may be that leases are unknown, and remembers that', async () => {
      gateway.igd = 1

      for (const status of [402, 725, 799]) {
        gateway.fault = (action, args) => args.NewLeaseDuration === '0' ? undefined : status
        const client = igd()
        expect(await client.map(tcp)).to.deep.equal({ externalPort: 4001, lease: 0 })
        gateway.requests = []
        await client.map(udp)

        expect(gateway.requests).to.have.lengthOf(1)
      }
    })

    ;['Internal Server Error', '', '<Envelope><Body><Fault><faultstring>no</faultstring></Fault></Body></Envelope>'].forEach(body => {
      it(`takes a status of 500 with ${JSON.stringify(body)} for a refusal without a reason`, async () => {
        gateway.igd = 1
        let refused = 0
        gateway.onHTTP = (request, response) => {
          refused++

          if (refused > 2) {
            return false
          }

          response.statusCode = 500
          response.end(body)

          return true
        }
        const client = igd()
        const error = await client.externalAddress().catch(err => err)
        expect(error).to.include({ name: 'GatewayError', code: 'failed', status: 500 })
        refused = 0

        expect(await client.map(tcp)).to.have.property('lease', 3_600_000)
      })
    })

    it('does not loop at a gateway that always wants something else', async () => {
      gateway.igd = 1

      for (const status of [402, 724, 725, 799]) {
        gateway.requests = []
        gateway.fault = () => status
        await expect(igd().map(tcp)).to.eventually.be.rejected.with.property('status', status)

        // four ports, with a lease and without
        expect(gateway.requests.length).to.be.at.most(8)
      }
    })

    it('knows whether its mapping is there, gone, or another one', async () => {
      const client = igd()
      const grant = await client.map(tcp)
      expect(await client.isMapped(tcp, grant)).to.be.true()
      gateway.mappings[0].internalAddress = '127.0.0.7'
      expect(await client.isMapped(tcp, grant)).to.be.false()
      gateway.reboot()
      expect(await client.isMapped(tcp, grant)).to.be.false()
      gateway.fault = () => 401
      expect(await client.isMapped(tcp, grant)).to.be.undefined()
    })
  })

  it('D12: maps only what listens at the address that faces the gateway', () => {
    const listening = ['127.0.0.1', '172.17.0.1', '192.168.1.2', '2a02:aa:1::2', 'fe80::1'].map(host => ({
      family: host.includes(':') ? 6 as const : 4 as const, host, port: 4001, protocol: 'tcp' as const
    }))
    const facing = Object.assign(pmp(), { localAddress: '192.168.1.2' })

    expect(wantedMappings(listening, facing).map(({ host }) => host)).to.deep.equal(['192.168.1.2'])
    expect(wantedMappings(listening, igd({ family: 6 })).map(({ host }) => host)).to.deep.equal(['2a02:aa:1::2'])
  })
})
