import { expect } from 'aegir/chai'
import { IDBDatastore } from 'datastore-idb'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createBrowserNode } from './fixtures/browser-nodes.ts'
import { multiaddrsOf, nodePeer, peerIdOf, untilSeen } from './fixtures/control.ts'
import type { BrowserNode } from './fixtures/browser-nodes.ts'

const { crowd: [banned, innocent] } = nodePeer

describe('browser: bans', () => {
  const nodes = new NodeGroup()
  let datastore: IDBDatastore

  beforeEach(async () => {
    datastore = new IDBDatastore(`bans-${crypto.randomUUID()}`)
    await datastore.open()
  })

  afterEach(async () => {
    await nodes.stop()
    await datastore.close()
    await datastore.destroy()
  })

  async function start (): Promise<BrowserNode> {
    const node = await createBrowserNode({}, { datastore })
    await nodes.add(Promise.resolve(node))

    return node
  }

  it('close what is open, at both ends', async () => {
    const node = await start()
    await node.dial(multiaddrsOf(...banned.ws))
    await untilSeen(node, 1)
    await node.services.connectionManager.bans.ban(peerIdOf(banned), { reason: 'spam' })

    await untilSeen(node, 0)
    await expect(node.dial(multiaddrsOf(...banned.ws))).to.eventually.be.rejected().with.property('name', 'DialDeniedError')
  })

  it('are still there when the page is opened again', async () => {
    const first = await start()
    await first.services.connectionManager.bans.ban(peerIdOf(banned), { for: 3_600_000, reason: 'spam' })
    await nodes.stop()
    await datastore.close()
    await datastore.open()

    const second = await start()
    await expect(second.dial(multiaddrsOf(...banned.ws))).to.eventually.be.rejected().with.property('name', 'DialDeniedError')
    await second.dial(multiaddrsOf(...innocent.ws))

    await second.services.connectionManager.bans.unban(peerIdOf(banned))
    await nodes.stop()

    const third = await start()
    await third.dial(multiaddrsOf(...banned.ws))
  })
})
