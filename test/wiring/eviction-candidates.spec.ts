import { expect } from 'aegir/chai'
import { AllowList } from '../../src/admission/index.ts'
import { ConnectionTable } from '../../src/core/index.ts'
import { DiscouragedList } from '../../src/gating/index.ts'
import { evictionCandidates } from '../../src/wiring/eviction-candidates.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import type { EvictionCandidatesComponents } from '../../src/wiring/eviction-candidates.ts'
import type { PeerId } from '@libp2p/interface'

describe('wiring/eviction-candidates', () => {
  let table: ConnectionTable
  let values: Map<string, number>
  let isProtected: Set<string>

  beforeEach(() => {
    table = new ConnectionTable()
    values = new Map()
    isProtected = new Set()
  })

  function components (init: Partial<EvictionCandidatesComponents> = {}): EvictionCandidatesComponents {
    // nothing but these is asked
    return {
      table,
      standing: { protection: { isProtected: (peer: string) => isProtected.has(peer) }, value: (peer: PeerId) => values.get(peer.toString()) ?? 0 },
      allowList: new AllowList(),
      discouraged: new DiscouragedList(),
      reachability: { spared: () => undefined },
      realms: { isReserved: () => false },
      replacements: { frees: () => true },
      ...init
    } as unknown as EvictionCandidatesComponents
  }

  function open (remoteAddr: string, value = 0): string {
    const connection = stubConnection({ remoteAddr, direction: 'inbound' })
    table.add(connection, 0)
    values.set(connection.remotePeer.toString(), value)

    return connection.id
  }

  it('have the network that the user says, and only else that of their address', () => {
    open('/ip4/203.0.113.1/tcp/1')
    open('/ip4/198.51.100.1/tcp/1')
    open('/ip4/192.0.2.1/tcp/1')
    const groupOf = (address: { toString(): string }): string | undefined => address.toString().includes('192') ? undefined : 'AS64500'

    expect(evictionCandidates(components({ groupOf })).map(({ group }) => group)).to.deep.equal(['AS64500', 'AS64500', '192.0.0.0/16'])
  })

  it('are nobody who is worth more than the newcomer, unless that is protected', () => {
    const [worthless, valuable] = [open('/ip4/203.0.113.1/tcp/1'), open('/ip4/203.0.113.2/tcp/1', 50)]
    const peer = stubPeerId().toString()

    expect(evictionCandidates(components(), { resource: 'connections', peer }).map(({ id }) => id)).to.deep.equal([worthless])
    isProtected.add(peer)
    expect(evictionCandidates(components(), { resource: 'connections', peer }).map(({ id }) => id)).to.deep.equal([worthless, valuable])
  })
})
