import { expect } from 'aegir/chai'
import { GatewayAnnouncements } from '../../../src/reachability/gateway/announcements.ts'
import type { Network, UDPSocket, UDPSocketOptions } from '../../../src/reachability/network/network.ts'

describe('what gateways announce', () => {
  let sockets: Map<number, UDPSocket>
  let heard: string[]
  let announcements: GatewayAnnouncements

  function say (port: number, text: string, address = '192.168.1.1'): void {
    sockets.get(port)?.onMessage?.({ data: new TextEncoder().encode(text), address, port })
  }

  beforeEach(async () => {
    sockets = new Map()
    heard = []
    announcements = new GatewayAnnouncements({
      openUDP: async ({ group }: UDPSocketOptions) => {
        const socket: UDPSocket = { localAddress: '', send: () => {}, close: () => { sockets.delete(group?.port ?? 0) } }
        sockets.set(group?.port ?? 0, socket)

        return socket
      }
    } as unknown as Network, host => { heard.push(host) })
    await announcements.start()
  })

  it('is heard over PCP and NAT-PMP, whatever it is', () => {
    say(5350, 'anything')
    expect(heard).to.deep.equal(['192.168.1.1'])
  })

  it('is heard over SSDP when a device leaves, or has restarted', () => {
    const alive = 'NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nBOOTID.UPNP.ORG: 1\r\n\r\n'
    say(1900, alive)
    say(1900, alive)
    expect(heard).to.have.lengthOf(1)
    say(1900, alive.replace('ORG: 1', 'ORG: 2'))
    say(1900, 'NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\n\r\n')
    expect(heard).to.have.lengthOf(3)
  })

  it('is not what others search or answer', () => {
    say(1900, 'M-SEARCH * HTTP/1.1\r\n\r\n')
    say(1900, 'HTTP/1.1 200 OK\r\nST: x\r\n\r\n')
    say(1900, 'nonsense')
    expect(heard).to.be.empty()
  })

  it('does not fill the memory', () => {
    for (let i = 0; i < 1_000; i++) {
      say(1900, 'NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nBOOTID.UPNP.ORG: 1\r\n\r\n', `10.0.${i >> 8}.${i & 255}`)
    }

    expect(Reflect.get(announcements, 'bootIds').size).to.be.at.most(16)
  })

  it('is not heard any more after stop, nor where there is no multicast', async () => {
    announcements.stop()
    expect(sockets.size).to.equal(0)

    const deaf = new GatewayAnnouncements({ openUDP: async () => { throw new Error('No') } } as unknown as Network, () => {})
    await deaf.start()
    deaf.stop()
  })
})
