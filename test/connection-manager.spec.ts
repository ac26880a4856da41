import { expect } from 'aegir/chai'
import { createManagedNode, createPlainNode } from './fixtures/nodes.ts'

describe('connection manager', () => {
  it('takes the place of the connection manager of a node', async () => {
    const node = await createManagedNode()
    const remote = await createPlainNode()

    try {
      const connection = await node.dial(remote.getMultiaddrs())

      expect(node.services.connectionManager.getConnections()).to.deep.equal([connection])
      expect(node.getConnections()).to.deep.equal([connection])
    } finally {
      await Promise.all([node.stop(), remote.stop()])
    }
  })
})
