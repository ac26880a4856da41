import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import * as main from '../../src/index.ts'
import * as entry from '../../src/reachability/index.ts'

describe('the entry libp2p-connmgr/reachability', () => {
  it('exports the same service as the package', () => {
    expect(entry.reachability).to.equal(main.reachability)
    expect(Object.keys(entry)).to.have.members(['GatewayError', 'ReachabilityService', 'reachability'])
  })

  it('stands in package.json, and in the documentation of the API', async () => {
    const { exports } = JSON.parse(await readFile('package.json', 'utf8'))
    const { entryPoints } = JSON.parse(await readFile('typedoc.json', 'utf8'))

    expect(exports['./reachability']).to.deep.equal({
      types: './dist/src/reachability/index.d.ts',
      import: './dist/src/reachability/index.js',
      'module-sync': './dist/src/reachability/index.js'
    })
    expect(entryPoints).to.include('./src/reachability/index.ts')
  })
})
