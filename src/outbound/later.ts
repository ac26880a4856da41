// what is fetched when it is needed
export { Outbound } from './outbound.ts'
export { resolveTopUp } from './top-up-config.ts'
