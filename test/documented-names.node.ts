import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { DocumentedNames } from './fixtures/documented-names.ts'
import { DOCUMENTS, findCode, readExamples } from './fixtures/documents.ts'

/**
 * The columns that are about this package, in tables that are about others as well
 */
const COLUMNS = ['here', 'this one']

/**
 * Code that is no name of this package or libp2p
 */
const OTHER = [
  // files and folders, packages, commands, protocols
  /^(src|dashboards|test|bench)\/|^\.?\w[\w-]*\.(ts|js|yml|json|md)$|^@libp2p\/|^libp2p$/,
  /^(npm|ssh|ulimit|node|DEBUG=|bash) ?|^--\w/,
  /^\//,
  // metrics, which have a test of their own, and tags
  /^libp2p_\w+$/,
  /^realm:|^keep-alive/,
  // of JavaScript, browsers and libp2p
  /^(false|>=|AggregateError|TimeoutError|Dial(Denied)?Error|NoValidAddressesError|Dial queue is full|createLibp2p|online|Host|Origin|dnsaddr)$/,
  // a dash that says that there is nothing, names that the text gives itself, the default of an option
  /^(–|n|chain|chat|\{ tcp: 160, .* \})$/
]

/**
 * The page of the dashboards is about metrics, and that of mutations quotes the code that
 * they are in
 */
const WITHOUT_NAMES = ['dashboards/README.md', 'docs/mutation.md']

describe('names in the documents', function () {
  this.timeout(180_000)

  let names: DocumentedNames

  before(async () => {
    names = new DocumentedNames(await readExamples())
  })

  it('have examples whose types are right', () => {
    expect(names.errors()).to.deep.equal([])
  })

  it('are not right in an example that uses what there is not', () => {
    const wrong = new DocumentedNames(new Map([['wrong.ts', 'import { connectionManager } from \'libp2p-connmgr\'\n\nconnectionManager({ lowWatr: 1 })\n']]))

    expect(wrong.errors()).to.have.lengthOf(1).and.have.property('0').that.matches(/^wrong\.ts:3 .*'lowWatr' does not exist/)
  })

  it('are found if they exist, wherever they are', () => {
    for (const code of [
      'lowWater', 'outbound.target', 'outbound: { ratio: 0.1 }', 'lowWater: 100, highWater: 110', 'limits.realms[name].reserved', '.lowWater',
      'manager.explain(peerId).summary', 'bans.ban(peer, { for })', 'high-water', '\'blockAll\'', 'connection:trim', 'closed[].value', 'peerStore.delete', 'node.dial(peer)'
    ]) {
      expect(names.unknownIn(code), code).to.equal(undefined)
    }
  })

  it('are found out if they do not exist, or cannot be what is said', () => {
    for (const code of [
      'lowWatr', 'outbound.targets', 'outbound: { ration: 0.1 }', 'lowWater: 100, highWatr: 110', 'limits.realms[name].reservd', 'manager.explain(peerId).sumary',
      'bans.ban(peer, { fore })', 'bans.bann(peer)', 'highwater', '\'blockEverything\'', 'connection:trimmed', 'limits: true', 'lowWater: \'many\'', 'trim(1, 2)'
    ]) {
      expect(names.unknownIn(code), code).to.be.a('string')
    }
  })

  it('all exist', async () => {
    const unknown: string[] = []

    for (const document of DOCUMENTS.filter(document => !WITHOUT_NAMES.includes(document))) {
      for (const code of findCode(await readFile(document, 'utf-8'), COLUMNS)) {
        const reason = OTHER.some(other => other.test(code)) ? undefined : names.unknownIn(code)

        if (reason != null) {
          unknown.push(`${document}: \`${code}\`, ${reason}`)
        }
      }
    }

    expect(unknown).to.deep.equal([])
  })
})
