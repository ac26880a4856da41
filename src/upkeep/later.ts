// what is fetched when it is needed
export { Recycler } from './recycler.ts'
export type { RecyclerInit } from './recycler.ts'
