import { createSocket } from 'node:dgram'
import { expect } from 'aegir/chai'
import { systemClock } from '../../src/clock.ts'
import { PCPClient } from '../../src/reachability/gateway/pcp.ts'
import { PMPClient } from '../../src/reachability/gateway/pmp.ts'
import { wantedMappings } from '../../src/reachability/mapping/mapping.ts'
import { FakeGateway } from './fixtures/fake-gateway.ts'
import { igdClient, network, tcp, udp } from './fixtures/gateway-clients.ts'
import type { GatewayClient } from '../../src/reachability/gateway/gateway-client.ts'

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

  Object.entries<() => GatewayClient>({ 'NAT-PMP': pmp, PCP: pcp, UPnP: () => igdClient(gateway) }).forEach(([name, create]) => {
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

  it('D12: maps only what listens at the address that faces the gateway', () => {
    const listening = ['127.0.0.1', '172.17.0.1', '192.168.1.2', '2a02:aa:1::2', 'fe80::1'].map(host => ({
      family: host.includes(':') ? 6 as const : 4 as const, host, port: 4001, protocol: 'tcp' as const
    }))
    const facing = Object.assign(pmp(), { localAddress: '192.168.1.2' })

    expect(wantedMappings(listening, facing).map(({ host }) => host)).to.deep.equal(['192.168.1.2'])
    expect(wantedMappings(listening, igdClient(gateway, { family: 6 })).map(({ host }) => host)).to.deep.equal(['2a02:aa:1::2'])
  })
})
