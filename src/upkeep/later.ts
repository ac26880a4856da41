// what is fetched when it is needed; imports nothing that every node has
export { Recycler } from './recycler.ts'
export type { RecyclerInit } from './recycler.ts'
