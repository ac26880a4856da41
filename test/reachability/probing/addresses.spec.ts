import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { parseIp } from '../../../src/addresses/index.ts'
import { ExternalPorts, ObservedIPs } from '../../../src/reachability/external-ports.ts'
import { Announcer } from '../../../src/reachability/probing/announcer.ts'
import { listCandidates } from '../../../src/reachability/probing/candidates.ts'
import type { SocketAddress } from '../../../src/addresses/index.ts'
import type { Candidate } from '../../../src/reachability/probing/candidates.ts'
import type { AddressType, NodeAddress } from '@libp2p/interface-internal'

function address (text: string, type: AddressType = 'transport', verified = false): NodeAddress {
  return { multiaddr: multiaddr(text), type, verified, expires: 0 }
}

function see (observed: ObservedIPs, ip: string, observer: string): void {
  const parsed = parseIp(observer)

  if (parsed != null) {
    observed.add(ip, parsed)
  }
}

describe('IP addresses that peers see', () => {
  it('count when two peers see the same', () => {
    const observed = new ObservedIPs(2)
    see(observed, '81.2.69.10', '5.5.5.5')
    expect(observed.get(4)).to.be.undefined()
    see(observed, '81.2.69.10', '5.5.5.5')
    expect(observed.get(4)).to.be.undefined()
    see(observed, '81.2.69.10', '23.23.23.23')
    expect(observed.get(4)).to.equal('81.2.69.10')
    observed.clear()
    expect(observed.get(4)).to.be.undefined()
  })

  it('come from one observer per IPv6 /56', () => {
    const observed = new ObservedIPs(2)
    see(observed, '2a02::1', '2a03:1:2:300::1')
    see(observed, '2a02::1', '2a03:1:2:3ff::2')
    expect(observed.get(6)).to.be.undefined()
    see(observed, '2a02::1', '2a03:1:2:400::1')
    expect(observed.get(6)).to.equal('2a02::1')
  })

  it('are those of the latest observers', () => {
    const observed = new ObservedIPs(2)

    for (let i = 0; i < 40; i++) {
      see(observed, i < 20 ? '81.2.69.10' : '81.2.69.77', `5.5.5.${i}`)
    }

    expect(observed.get(4)).to.equal('81.2.69.77')
  })
})

describe('candidates', () => {
  function list (addresses: NodeAddress[], known = new Map<string, Candidate>(), max = 10): Map<string, Candidate> {
    return listCandidates(addresses, known, (_, type) => type === 'transport' ? 'direct' : 'forwarded', max, 1_000, 500)
  }

  it('are public IP addresses with a port', () => {
    const candidates = list([
      '/ip4/81.2.69.10/tcp/4001', '/ip4/192.168.1.2/tcp/4001', '/ip4/100.64.0.1/tcp/1', '/dns4/example.com/tcp/4001', '/memory/1',
      '/ip6/2a02::1/udp/4001/quic-v1', '/ip6/fe80::1/tcp/4001', '/ip4/81.2.69.11/tcp/1/p2p/12D3KooWJyivmZZNmhYcTWUwE3Rx4dey635v8kV6JNRhNgKFCGqY/p2p-circuit'
    ].map(text => address(text)))

    expect([...candidates.keys()]).to.deep.equal(['tcp:81.2.69.10:4001', 'udp:2a02::1:4001'])
  })

  it('stand for every address that leads through the same port', () => {
    const [candidate] = list([address('/ip4/81.2.69.10/tcp/4001/ws'), address('/ip4/81.2.69.10/tcp/4001')]).values()

    expect(candidate.multiaddrs.map(String)).to.deep.equal(['/ip4/81.2.69.10/tcp/4001', '/ip4/81.2.69.10/tcp/4001/ws'])
  })

  it('leave out what the user announces, and too many observed ones', () => {
    const observed = Array.from({ length: 5 }, (_, i) => address(`/ip4/81.2.69.${i + 1}/udp/1/quic-v1`, 'observed'))
    const candidates = list([...observed, address('/ip4/81.2.69.10/tcp/1', 'announce'), address('/ip4/81.2.69.10/tcp/2')], new Map(), 3)

    expect(candidates.size).to.equal(3)
    expect([...candidates.keys()][0]).to.equal('tcp:81.2.69.10:2')
  })

  it('keep what is known about them as long as they come from the same place', () => {
    const before = list([address('/ip4/81.2.69.10/tcp/1')])
    before.forEach(candidate => { candidate.state = { ...candidate.state, status: 'reachable' } })

    expect([...list([address('/ip4/81.2.69.10/tcp/1')], before).values()][0].state.status).to.equal('reachable')
    expect([...list([address('/ip4/81.2.69.10/tcp/1', 'ip-mapping')], before).values()][0].state).to.include({ status: 'unknown', wakeAt: 1_500 })
  })
})

describe('announcing', () => {
  it('D2: takes back what the address manager confirmed along with the right one', () => {
    const addresses = [address('/ip4/81.2.69.10/tcp/1', 'ip-mapping'), address('/ip4/81.2.69.10/tcp/2', 'ip-mapping'), address('/ip4/81.2.69.10/tcp/3', 'ip-mapping', true)]
    const announcer = new Announcer({
      addressManager: {
        getAddressesWithMetadata: () => addresses.map(entry => ({ ...entry })),
        confirmObservedAddr: () => { addresses.forEach(entry => { entry.verified = true }) },
        removeObservedAddr: ma => { addresses.filter(entry => entry.multiaddr.equals(ma)).forEach(entry => { entry.verified = false }) }
      }
    })

    announcer.confirm([addresses[0].multiaddr], 1)
    expect(addresses.map(({ verified }) => verified)).to.deep.equal([true, false, true])
    announcer.withdraw([addresses[0].multiaddr], 1)
    expect(addresses.map(({ verified }) => verified)).to.deep.equal([false, false, true])
  })
})

describe('ports outside that lead here', () => {
  const listening: SocketAddress[] = [{ family: 4, host: '192.168.1.2', port: 4001, protocol: 'tcp' }, { family: 4, host: '172.17.0.1', port: 4001, protocol: 'tcp' }]
  const request = { protocol: 'tcp' as const, internalAddress: '192.168.1.2', internalPort: 4001, externalPort: 4001, lease: 1 }
  let noted: string[]
  let ports: ExternalPorts

  beforeEach(() => {
    noted = []
    ports = new ExternalPorts({
      addressManager: {
        addPublicAddressMapping: (...args) => { noted.push(args.join(' ')) },
        removePublicAddressMapping: (...args) => { noted = noted.filter(entry => entry !== args.join(' ')) }
      }
    })
  })

  it('are guessed from what peers see and where the node listens', () => {
    ports.guess('81.2.69.10', listening)
    expect(noted).to.deep.equal(['192.168.1.2 4001 81.2.69.10 4001 tcp'])
    ports.guess('81.2.69.77', listening)
    expect(noted).to.deep.equal(['192.168.1.2 4001 81.2.69.77 4001 tcp'])
    ports.guess(undefined, listening)
    expect(noted).to.be.empty()
  })

  it('are not guessed where a gateway forwards', () => {
    ports.guess('81.2.69.10', listening.slice(0, 1))
    ports.add(request, { host: '81.2.69.10', port: 4444 })
    ports.guess('81.2.69.10', listening.slice(0, 1))

    expect(noted).to.deep.equal(['192.168.1.2 4001 81.2.69.10 4444 tcp'])
    expect(ports.isMapped({ ...listening[0], host: '81.2.69.10', port: 4444 })).to.be.true()
    ports.remove(request, { host: '81.2.69.10', port: 4444 })
    expect(noted).to.be.empty()
  })

  it('need no translation if they are pinholes', () => {
    ports.add({ ...request, internalAddress: '2a02::1' }, { host: '2a02::1', port: 4001 })

    expect(noted).to.be.empty()
    expect(ports.isMapped({ family: 6, host: '2a02::1', port: 4001, protocol: 'tcp' })).to.be.true()
  })
})
