import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { dnsaddrResolver } from '../../src/dialing/dnsaddr-resolver.ts'
import { resolveAddresses, resolveMultiaddr } from '../../src/dialing/resolver.ts'
import type { MultiaddrResolver } from '@libp2p/interface'
import type { DNS } from '@multiformats/dns'

const peerA = '12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5'
const peerB = '12D3KooWBUC8S8zbSx6HT2VhBq5Rt8GUuDShBUSuM5FDuf68Y8kD'

/**
 * A DNS in which every name has the given TXT records. Counts the questions.
 */
function dnsOf (answers: (name: string) => string[]): DNS & { questions: string[] } {
  const questions: string[] = []

  return {
    questions,
    query: async (name) => {
      questions.push(name)

      return {
        Status: 0,
        TC: false,
        RD: false,
        RA: false,
        AD: false,
        CD: false,
        Question: [],
        Answer: answers(name).map(data => ({ name, type: 16, TTL: 1, data }))
      }
    }
  }
}

describe('dialing/resolver', () => {
  const resolvers = { dnsaddr: dnsaddrResolver }

  async function resolve (address: string, dns: DNS): Promise<string[]> {
    return (await resolveMultiaddr(multiaddr(address), resolvers, { dns })).map(ma => ma.toString())
  }

  it('leaves alone what needs no resolving', async () => {
    const address = multiaddr('/dns4/example.org/tcp/443/wss')
    expect(await resolveMultiaddr(address, resolvers)).to.have.ordered.members([address])
  })

  it('follows dnsaddr records of dnsaddr records', async () => {
    const dns = dnsOf(name => name === '_dnsaddr.a.org'
      ? ['dnsaddr=/dnsaddr/b.org', '"dnsaddr=/ip4/1.2.3.4/tcp/1"']
      : ['dnsaddr=/ip4/5.6.7.8/udp/1/quic-v1'])

    expect(await resolve('/dnsaddr/a.org', dns)).to.deep.equal(['/ip4/5.6.7.8/udp/1/quic-v1', '/ip4/1.2.3.4/tcp/1'])
    expect(dns.questions).to.deep.equal(['_dnsaddr.a.org', '_dnsaddr.b.org'])
  })

  it('takes the addresses of the peer that was asked for and those that name none', async () => {
    const dns = dnsOf(() => [
      `dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/${peerA}`,
      `dnsaddr=/ip4/1.2.3.4/tcp/2/p2p/${peerB}`,
      `dnsaddr=/ip4/1.2.3.4/tcp/3/p2p/${peerA}/p2p-circuit/p2p/${peerB}`,
      'dnsaddr=/ip4/1.2.3.4/tcp/4'
    ])

    expect(await resolve(`/dnsaddr/a.org/p2p/${peerA}`, dns)).to.deep.equal([
      `/ip4/1.2.3.4/tcp/1/p2p/${peerA}`,
      '/ip4/1.2.3.4/tcp/4'
    ])
  })

  it('ignores records that are no addresses', async () => {
    const dns = dnsOf(() => ['', 'v=spf1', 'dnsaddr=', 'dnsaddr=/nonsense/1', 'dnsaddr=/ip4/999.1.1.1/tcp/1', `dnsaddr=/dns4/${'a'.repeat(2_000)}/tcp/1`, 'dnsaddr=/ip4/1.2.3.4/tcp/1'])
    expect(await resolve('/dnsaddr/a.org', dns)).to.deep.equal(['/ip4/1.2.3.4/tcp/1'])
  })

  it('refuses a name that resolves to itself', async () => {
    const dns = dnsOf(name => [name === '_dnsaddr.a.org' ? 'dnsaddr=/dnsaddr/b.org' : 'dnsaddr=/dnsaddr/a.org'])

    await expect(resolve('/dnsaddr/a.org', dns)).to.eventually.be.rejected.with.property('name', 'RecursionLimitError')
    expect(dns.questions).to.have.lengthOf(2)
  })

  it('refuses a chain of names that does not end', async () => {
    let count = 0
    const dns = dnsOf(() => [`dnsaddr=/dnsaddr/${count++}.org`])

    await expect(resolve('/dnsaddr/a.org', dns)).to.eventually.be.rejected.with.property('name', 'RecursionLimitError')
    expect(dns.questions).to.have.lengthOf(33)
  })

  it('makes at most 64 look-ups, whatever the answers are', async () => {
    let count = 0
    const dns = dnsOf(() => Array.from({ length: 1_000 }, () => `dnsaddr=/dnsaddr/${count++}.org`))

    await expect(resolve('/dnsaddr/a.org', dns)).to.eventually.be.rejected.with.property('name', 'RecursionLimitError')
    expect(dns.questions).to.have.lengthOf(64)
  })

  it('uses at most 100 addresses of answers, and every address that was passed', async () => {
    let count = 0
    const dns = dnsOf(() => Array.from({ length: 90 }, () => `dnsaddr=/ip4/1.2.3.4/tcp/${++count}`))
    const given = Array.from({ length: 150 }, (_, i) => multiaddr(`/ip4/5.6.7.8/tcp/${i + 1}`))
    const { resolved } = await resolveAddresses([
      multiaddr('/dnsaddr/a.org'),
      multiaddr('/dnsaddr/b.org'),
      ...given
    ], resolvers, { dns })

    expect(resolved.map(({ length }) => length).slice(0, 3)).to.deep.equal([90, 10, 1])
    expect(resolved.flat()).to.have.lengthOf(250)
  })

  it('uses what can be resolved when something else can not', async () => {
    const dns = dnsOf(name => {
      if (name === '_dnsaddr.broken.org') {
        throw new Error('SERVFAIL')
      }

      return ['dnsaddr=/ip4/1.2.3.4/tcp/1']
    })
    const { resolved, failures } = await resolveAddresses([
      multiaddr('/dnsaddr/broken.org'),
      multiaddr('/dnsaddr/a.org')
    ], resolvers, { dns })

    expect(resolved.flat().map(ma => ma.toString())).to.deep.equal(['/ip4/1.2.3.4/tcp/1'])
    expect(failures).to.have.lengthOf(1)
    expect(failures[0].multiaddr.toString()).to.equal('/dnsaddr/broken.org')
    expect(failures[0].error.message).to.equal('SERVFAIL')
  })

  it('finds nothing when the servers answer with nothing', async () => {
    const empty = new AggregateError([Object.assign(new Error('empty'), { name: 'EmptyDNSAnswerError' })], 'failed')
    empty.name = 'DNSQueryFailedError'
    const dns = dnsOf(() => { throw empty })

    expect(await resolve('/dnsaddr/a.org', dns)).to.deep.equal([])
  })

  it('asks every resolver that can resolve an address, also those of the user', async () => {
    const custom: MultiaddrResolver = {
      canResolve: ma => ma.toString().startsWith('/dns/'),
      resolve: async () => [multiaddr('/ip4/1.2.3.4/tcp/1')]
    }

    expect(await resolveMultiaddr(multiaddr('/dns/example.org'), { ...resolvers, custom }))
      .to.deep.equal([multiaddr('/ip4/1.2.3.4/tcp/1')])
  })

  it('stops with the reason of the signal', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const dns = dnsOf(() => {
      controller.abort(reason)
      throw new Error('aborted')
    })

    await expect(resolveMultiaddr(multiaddr('/dnsaddr/a.org'), resolvers, { dns, signal: controller.signal }))
      .to.eventually.be.rejectedWith(reason)
  })
})
