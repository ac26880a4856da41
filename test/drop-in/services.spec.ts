import { Memory } from '@multiformats/multiaddr-matcher'
import { memoryNodeOptions } from '../fixtures/nodes.ts'
import { describeServices } from './services-suite.ts'

for (const managerIsLast of [false, true]) {
  describeServices(`memory, listed ${managerIsLast ? 'before' : 'after'} our manager`, {
    options: () => memoryNodeOptions(),
    matches: address => Memory.matches(address),
    managerIsLast
  })
}
