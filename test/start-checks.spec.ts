import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { connectionManager, inspector, reachability } from '../src/index.ts'
import { OLDEST_LIBP2P, assertSupported } from '../src/start-checks.ts'
import { memoryNodeOptions } from './fixtures/nodes.ts'
import type { Libp2pOptions } from 'libp2p'

/**
 * What the components of a node have in 3.0 and later
 */
const registrar = { getMiddleware: () => [] }

describe('start checks', () => {
  for (const [name, factory] of Object.entries({ connectionManager, inspector, reachability })) {
    it(`tell that ${name} was not called where the services are listed`, async () => {
      // what somebody writes who does not know the types
      const services = { connectionManager: connectionManager(), [name]: factory } as unknown as Libp2pOptions['services']

      await expect(createLibp2p({ ...memoryNodeOptions(), services })).to.eventually.be.rejected()
        .with.property('message').that.contain(`"services.${name}" must be called: write ${name}()`)
    })
  }

  for (const nodeInfo of [{ name: 'js-libp2p', version: OLDEST_LIBP2P }, { name: 'js-libp2p', version: '3.12.0' }, { name: 'js-libp2p', version: '4.0.0' }, { name: 'my-app', version: '1.0.0' }, { name: 'js-libp2p', version: '1.0.0' }, undefined]) {
    it(`accept the libp2p of a node that calls itself ${nodeInfo?.name} ${nodeInfo?.version} and has what 3.0 brought`, () => {
      expect(() => { assertSupported({ registrar, nodeInfo }) }).to.not.throw()
    })
  }

  const OLD = [
    { components: { registrar: {}, nodeInfo: { name: 'js-libp2p', version: '2.10.0' } }, found: 'libp2p 2.10.0' },
    { components: { registrar: {}, nodeInfo: { name: 'libp2p', version: '1.9.4' } }, found: 'libp2p 1.9.4' },
    { components: { registrar: {}, nodeInfo: { name: 'my-app', version: '7.0.0' } }, found: 'libp2p before 3.0.0' },
    { components: { registrar: {} }, found: 'libp2p before 3.0.0' },
    { components: { registrar, nodeInfo: { name: 'js-libp2p', version: '3.2.4' } }, found: 'libp2p 3.2.4' },
    { components: { registrar, nodeInfo: { name: 'js-libp2p', version: '3.1.6-1c3b61777' } }, found: 'libp2p 3.1.6-1c3b61777' }
  ]

  OLD.forEach(({ components, found }) => {
    it(`refuse ${found}, and name the version that is needed`, () => {
      expect(() => { assertSupported(components) }).to.throw(`needs libp2p ${OLDEST_LIBP2P} or newer, but this node was made by ${found}`)
        .with.property('name', 'UnsupportedVersionError')
      // the factory asks before anything is built
      expect(() => connectionManager()({ ...components, logger: defaultLogger() } as never)).to.throw(found)
    })
  })
})
