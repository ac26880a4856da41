import { GoLibp2pPolicy } from './go-libp2p.ts'
import { Libp2pPolicy } from './libp2p.ts'
import { OurPolicy } from './ours.ts'
import { RandomPolicy } from './random.ts'
import type { Policy, PolicyInit, PolicyName, PolicyWorld } from '../policy.ts'

export function createPolicy (name: PolicyName, world: PolicyWorld, init: PolicyInit): Policy {
  switch (name) {
    case 'ours':
      return new OurPolicy(world, init)
    case 'libp2p':
      return new Libp2pPolicy(world, init)
    case 'go-libp2p':
      return new GoLibp2pPolicy(world, init)
    default:
      return new RandomPolicy(world, init)
  }
}
