import { expect } from 'aegir/chai'
import { FakeGateway } from './fixtures/fake-gateway.ts'
import { igdClient, tcp, udp } from './fixtures/gateway-clients.ts'

describe('the UPnP client', () => {
  let gateway: FakeGateway

  beforeEach(async () => {
    gateway = new FakeGateway()
    await gateway.start()
  })

  afterEach(async () => {
    await gateway.stop()
  })

  it('D7: gives UDP back, from the external port, with its protocol', async () => {
    gateway.mappings.push({ via: 'upnp', protocol: 'udp', internalAddress: '127.0.0.9', internalPort: 1, externalPort: 4001, lease: 0 })
    const client = igdClient(gateway)
    const grant = await client.map(udp)
    expect(grant.externalPort).to.equal(4002)
    await client.unmap(udp, grant)

    expect(gateway.mappings).to.have.lengthOf(1)
    expect(gateway.requests.at(-1)?.args).to.include({ NewProtocol: 'UDP', NewExternalPort: '4002' })
  })

  it('D10: opens, renews, checks and closes pinholes at the firewall', async () => {
    const client = igdClient(gateway, { family: 6 })
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
    const client = igdClient(gateway, { family: 6 })
    const grant = await client.map(tcp)
    gateway.reboot()

    expect(await client.isMapped(tcp, grant)).to.be.false()
    expect(await client.map(tcp, grant)).to.have.property('token', '2')
  })

  it('D13: escapes what it sends, and counts bytes', async () => {
    const label = 'a <b> & "c" ü €'
    await igdClient(gateway, { label }).map(tcp)
    await igdClient(gateway, { label: label.replace(/[ü€]/g, 'x') }).map(tcp)
    const [{ args }, { args: ascii }] = gateway.requests

    expect(args.NewPortMappingDescription).to.equal(label)
    expect(args.length).to.equal(args.bytes)
    // one letter of two bytes and one of three
    expect(Number(args.length)).to.equal(Number(ascii.length) + 1 + 2)
  })

  it('D13: answers everybody who asks at the same time', async () => {
    const client = igdClient(gateway)

    expect(await Promise.all(Array.from({ length: 10 }, async () => client.externalAddress()))).to.deep.equal(Array.from({ length: 10 }, () => '81.2.69.10'))
  })

  it('uses AddPortMapping where AddAnyPortMapping is refused', async () => {
    for (const status of [401, 402, 602]) {
      gateway.mappings = []
      gateway.fault = action => action === 'AddAnyPortMapping' ? status : undefined

      expect(await igdClient(gateway).map(tcp)).to.deep.equal({ externalPort: 4001, lease: 3_600_000 })
    }
  })

  it('tries random ports when the wished one is taken', async () => {
    gateway.igd = 1
    gateway.fault = (action, args) => action === 'AddPortMapping' && args.NewExternalPort === '4001' ? 718 : undefined
    const { externalPort } = await igdClient(gateway).map(tcp)

    expect(externalPort).to.be.within(10_000, 65_535)
  })

  it('gives up after three of them', async () => {
    gateway.igd = 1
    gateway.fault = () => 718
    await expect(igdClient(gateway).map(tcp)).to.eventually.be.rejected.with.property('code', 'conflict')

    expect(gateway.requests).to.have.lengthOf(4)
  })

  it('uses the internal port as external one where it must', async () => {
    gateway.igd = 1
    gateway.fault = (action, args) => args.NewExternalPort === args.NewInternalPort ? undefined : 724

    expect(await igdClient(gateway).map({ ...tcp, externalPort: 5_000 })).to.include({ externalPort: 4001 })
  })

  it('asks for no end where leases are unknown, and remembers that', async () => {
    gateway.igd = 1
    gateway.fault = (action, args) => args.NewLeaseDuration === '0' ? undefined : 725
    const client = igdClient(gateway)
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
      const client = igdClient(gateway, { description: { version: 1, connections: [first, second] } })
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
    const refusing = new Set<string | undefined>()
    gateway.igd = 1
    gateway.fault = (action, { path }) => {
      gateway.externalAddress = addresses[path]

      return action === 'AddPortMapping' && refusing.has(path) ? 606 : undefined
    }
    const client = igdClient(gateway, { description: { version: 1, connections: services } })
    expect(await client.externalAddress()).to.equal('81.2.69.10')

    addresses['/wan1'] = '81.2.69.11'
    refusing.add('/wan2')
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
      const grant = await igdClient(gateway).map(tcp)

      expect(grant.externalPort).to.be.within(10_000, 65_535)
      expect(grant.lease).to.equal(3_600_000)
    }
  })

  it('asks for no end where the reason of a refusal may be that leases are unknown, and remembers that', async () => {
    gateway.igd = 1

    for (const status of [402, 725, 799]) {
      gateway.fault = (action, args) => args.NewLeaseDuration === '0' ? undefined : status
      const client = igdClient(gateway)
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
      const client = igdClient(gateway)
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
      await expect(igdClient(gateway).map(tcp)).to.eventually.be.rejected.with.property('status', status)

      // four ports, with a lease and without
      expect(gateway.requests.length).to.be.at.most(8)
    }
  })

  it('knows whether its mapping is there, gone, or another one', async () => {
    const client = igdClient(gateway)
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
