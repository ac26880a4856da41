import assert from 'node:assert/strict'
import { sleep, until, WAN } from './lab.ts'
import type { GatewayOptions, Lab } from './lab.ts'
import type { RemotePeer } from './remote-peer.ts'
import type { ReachabilityInit } from '../../src/reachability/index.ts'
import type { GoPeer } from '../interop/go-peer.ts'

/**
 * A peer on the internet
 */
export type Server = RemotePeer & { address: string }

/**
 * What a scenario has to play with
 */
export interface Context {
  lab: Lab

  /**
   * Verify addresses for others
   */
  servers: Server[]

  /**
   * Dials the node from outside
   */
  outside: RemotePeer

  /**
   * Note how many seconds something took, and fail above the limit
   */
  measure(what: string, seconds: number, limit?: number): void

  /**
   * A node of go-libp2p on the internet that verifies addresses for others
   */
  goServer(): Promise<GoPeer>

  /**
   * A node behind the NAT that is not started yet
   */
  node(reachability?: ReachabilityInit, listen?: string[]): Promise<RemotePeer>
}

/**
 * Something to be shown
 */
export interface Scenario {
  name: string
  cgnat?: boolean
  gateway?: GatewayOptions

  /**
   * It is left out where there is no Go
   */
  needsGo?: boolean
  run(context: Context): Promise<void>
}

const PORT = 4001

// what the project promises, in seconds
const VERIFIED = 5
const RECOVERED = 5

/**
 * Each scenario starts with a gateway that knows nothing
 */
export const scenarios: Scenario[] = [
  ...(['pcp', 'pmp', 'upnp'] as const).map(protocol => ({
    name: `${protocol}: TCP and UDP are mapped, TCP is verified, announced and dialled, both are given back`,
    run: async (context: Context) => { await mapsAndUnmaps(context, { mapping: { protocols: [protocol] } }, protocol === 'upnp' ? 'igd2' : protocol) }
  })),
  {
    name: 'IGD 1 only: mapped through the old services',
    gateway: { igd1: true, portControl: false },
    run: async (context: Context) => { await mapsAndUnmaps(context, {}, 'igd1') }
  },
  {
    name: 'UPnP off: mapped without it',
    gateway: { upnp: false },
    run: async (context: Context) => { await mapsAndUnmaps(context, {}, 'pcp') }
  },
  {
    name: 'go-libp2p: its AutoNAT v2 server verifies the mapped address',
    needsGo: true,
    run: async ({ goServer, node, outside, measure }: Context) => {
      const server = await goServer()
      const peer = await node()
      await startAndVerify(peer, [{ address: server.address('/tcp/') }], measure)
      await dialled(outside, peer, WAN)

      // nobody else could have verified it
      await until(() => server.program.eventsOf('dialled-back').some(({ detail: { dial, addr } }) => dial === 'OK' && addr === `/ip4/${WAN}/tcp/${PORT}`), 'the server to tell that it dialled back')
    }
  },
  {
    name: 'WAN address changes, twice',
    run: async ({ lab, node, servers, outside, measure }: Context) => {
      const peer = await verifiedNode({ node, servers, measure })

      for (const [previous, current] of [[WAN, '81.2.69.77'], ['81.2.69.77', '81.2.69.88']]) {
        lab.changeWAN(current)
        measure(`withdrawn ${previous}`, await until(async () => !await peer.announces(previous), `${previous} to be withdrawn`), RECOVERED)
        measure(`announced ${current}`, await until(async () => peer.announces(`${current}/tcp/${PORT}`), `${current} to be announced`), RECOVERED)
        await dialled(outside, peer, current)
        assert.equal(await peer.announces(previous), false)
      }

      assert.deepEqual(peer.eventsOf('external-address:change').map(({ detail }) => detail.current).filter(Boolean), ['81.2.69.77', '81.2.69.88'])
    }
  },
  {
    name: 'router reboots',
    run: async ({ lab, node, servers, outside, measure }: Context) => {
      const peer = await verifiedNode({ node, servers, measure })
      await lab.reboot()
      const { length } = peer.eventsOf('address:reachable')
      measure('mapped again', await until(() => lab.leases().length === 2, 'the ports to be mapped again'), RECOVERED)
      measure('dialled', await until(async () => dialled(outside, peer, WAN).then(() => true, () => false), 'the node to be dialled'), RECOVERED)
      measure('announced', await until(async () => peer.announces(`${WAN}/tcp/${PORT}`), 'the address to be announced'), RECOVERED)
      assert.ok(peer.eventsOf('address:reachable').length >= length)
    }
  },
  ...(['pcp', 'pmp', 'upnp'] as const).map(protocol => ({
    name: `outage and return (${protocol})`,
    run: async ({ lab, node, servers, outside, measure }: Context) => {
      const peer = await verifiedNode({ node, servers, measure }, { mapping: { protocols: [protocol] } })
      lab.outage()
      measure('withdrawn', await until(async () => !await peer.announces(WAN), 'the address to be withdrawn'), RECOVERED)
      await sleep(3_000)
      assert.equal(await peer.announces(WAN), false)
      lab.outageOver()
      measure('announced', await until(async () => peer.announces(`${WAN}/tcp/${PORT}`), 'the address to be announced'), RECOVERED)
      await dialled(outside, peer, WAN)
    }
  })),
  {
    name: 'stopped and started again: mapped again',
    run: async ({ lab, node, servers, outside, measure }: Context) => {
      const peer = await verifiedNode({ node, servers, measure })
      await peer.call('stop')
      assert.equal(lab.leases().length, 0)
      await startAndVerify(peer, servers, measure)
      await dialled(outside, peer, WAN)
    }
  },
  ...(['pcp', 'upnp'] as const).map(protocol => ({
    name: `IPv6 pinhole (${protocol})`,
    run: async ({ lab, node, servers, outside, measure }: Context) => {
      const host = '2a02:aa:1::2'
      const peer = await node({ mapping: { protocols: [protocol] } }, [`/ip6/${host}/tcp/${PORT}`])
      const refused = await node({ mapping: { enabled: false } }, [`/ip6/${host}/tcp/${PORT + 1}`])
      await refused.call('start')
      await assert.rejects(dialled(outside, refused, host, PORT + 1))
      await peer.call('start')
      await connect(peer, servers)
      measure('announced', await until(async () => peer.announces(`${host}/tcp/${PORT}`), 'the IPv6 address to be announced'), VERIFIED + 3)
      await dialled(outside, peer, host)
      await peer.call('stop')
      await until(() => lab.forwards() === 0, 'the pinhole to be closed', 3_000)
    }
  })),
  ...(['pcp', 'pmp', 'upnp'] as const).map(protocol => ({
    name: `provider's NAT (${protocol}): double-nat, and nothing announced`,
    cgnat: true,
    run: async ({ node, servers, measure }: Context) => {
      const peer = await node({ mapping: { protocols: [protocol] } })
      await peer.call('start')
      await connect(peer, servers)
      measure('double-nat', await until(() => peer.eventsOf('double-nat').length > 0, 'the verdict'))
      await until(async () => (await peer.call('info')).reachability?.state === 'private', 'the node to know that it is private', 30_000)
      const { reachability, addresses } = await peer.call('info')
      assert.equal(reachability?.reason, 'double-nat')
      assert.deepEqual(addresses.filter(address => !/\/(127\.0\.0\.1|192\.168\.1\.2)\//.test(address)), [])
    }
  }))
]

async function mapsAndUnmaps ({ lab, node, servers, outside, measure }: Context, reachability: ReachabilityInit, via: string): Promise<void> {
  const peer = await verifiedNode({ node, servers, measure }, reachability)
  const { mappings } = await peer.call('info')
  assert.deepEqual(mappings.map(({ protocol, state, via }) => ({ protocol, state, via })).sort((a, b) => a.protocol < b.protocol ? -1 : 1), [
    { protocol: 'tcp', state: 'mapped', via },
    { protocol: 'udp', state: 'mapped', via }
  ])
  assert.equal(lab.leases().length, 2)
  await dialled(outside, peer, WAN)
  await peer.call('stop')
  assert.deepEqual(lab.leases(), [], 'both ports should be given back')
}

async function verifiedNode ({ node, servers, measure }: Pick<Context, 'node' | 'servers' | 'measure'>, reachability?: ReachabilityInit): Promise<RemotePeer> {
  const peer = await node(reachability)
  await startAndVerify(peer, servers, measure)

  return peer
}

async function startAndVerify (peer: RemotePeer, servers: Array<Pick<Server, 'address'>>, measure: Context['measure']): Promise<void> {
  const start = performance.now()
  await peer.call('start')
  await connect(peer, servers)
  await until(() => peer.eventsOf('address:reachable', start).length > 0, 'the address to be verified')
  await until(async () => peer.announces(`${WAN}/tcp/${PORT}`), 'the address to be announced')
  measure('verified and announced', (performance.now() - start) / 1_000, VERIFIED)
}

async function connect (peer: RemotePeer, servers: Array<Pick<Server, 'address'>>): Promise<void> {
  await peer.call('dial', { addresses: servers.map(({ address }) => address) })
}

async function dialled (outside: RemotePeer, peer: RemotePeer, host: string, port = PORT): Promise<void> {
  const { peer: id } = await peer.call('info')

  await outside.call('ping', { address: `/ip${host.includes(':') ? 6 : 4}/${host}/tcp/${port}/p2p/${id}` })
}
