import type { Action } from './actions.ts'
import type { World } from './world.ts'

function aboutHalf ({ random }: World, usual: number): number {
  return random.chance(0.5) ? usual : random.between(Math.ceil(usual / 2), usual)
}

/**
 * Limits that change while the node runs, and memory that is held against them
 */
export const limitActions: readonly Action[] = [
  { name: 'limit all', weight: 1, run: world => { world.manager.resources.setLimit('system', { connections: aboutHalf(world, 40), streams: aboutHalf(world, 500) }) } },
  { name: 'limit peers', weight: 1, run: world => { world.manager.resources.setLimit('peer', { connections: aboutHalf(world, 4), streams: aboutHalf(world, 64) }) } },
  { name: 'limit a realm', weight: 1, run: world => { world.manager.realms.setLimit('chain', { connections: aboutHalf(world, 8), reserved: world.random.between(0, 2) }) } },
  { name: 'limit a protocol', weight: 1, run: world => { world.manager.resources.setLimit('protocol:/soak/echo/1.0.0', { streams: aboutHalf(world, 200) }) } },
  { name: 'limit a network', weight: 1, run: world => { world.manager.resources.setSubnetLimits({ ipv4: [{ prefix: 32, connections: aboutHalf(world, 16) }] }) } },
  { name: 'change how many may connect', weight: 1, run: world => { world.manager.setMaxConnections(aboutHalf(world, 28)) } },
  {
    name: 'reserve memory',
    weight: 2,
    run: world => {
      const span = world.manager.resources.beginSpan('protocol:/soak/echo/1.0.0')
      const bytes = world.random.between(1, 100_000)
      span.reserveMemory(bytes)
      world.spans.set(span, bytes)
    }
  },
  {
    name: 'give memory back',
    weight: 3,
    run: world => {
      const [span] = world.spans.keys()
      span?.release()
      world.spans.delete(span)
    }
  }
]
