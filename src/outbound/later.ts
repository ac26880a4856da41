// what is fetched when it is needed; imports nothing that every node has
export { Outbound } from './outbound.ts'
export { resolveTopUp } from './top-up-config.ts'
