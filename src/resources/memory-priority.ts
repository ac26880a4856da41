/**
 * How much a reservation of memory matters. The less it does, the more of the
 * scope's memory it leaves for others: `low` may fill 39.8 % of it, `medium`
 * 59.8 %, `high` 79.7 %, `always` all. The same steps as in go-libp2p.
 */
export type MemoryPriority = 'low' | 'medium' | 'high' | 'always'

/**
 * In 256ths of the limit
 */
const SHARES: Record<MemoryPriority, number> = { low: 102, medium: 153, high: 204, always: 256 }

/**
 * The priorities there are
 */
export const MEMORY_PRIORITIES = Object.keys(SHARES)

/**
 * How many of `limit` bytes a reservation of this priority may fill. Exact for
 * every limit that a number can hold.
 */
export function memoryShare (limit: number, priority: MemoryPriority): number {
  const share = SHARES[priority]

  return Math.floor(limit / 256) * share + Math.floor(limit % 256 * share / 256)
}
