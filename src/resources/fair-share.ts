/**
 * How many connections a realm has
 */
export interface RealmUsage {
  /**
   * `undefined` stands for all connections that are in no realm
   */
  readonly realm: string | undefined

  readonly connections: number

  /**
   * How many it may keep in any case
   *
   * @default 0
   */
  readonly reserved?: number
}

/**
 * A realm that has more than its share
 */
export interface OverShare {
  readonly realm: string | undefined

  /**
   * How many connections it would have to give for all to have their share
   */
  readonly over: number

  /**
   * How many it may keep
   */
  readonly share: number
}

/**
 * Which realms have more than their share of `total` connections, and how many
 * each of them is over it, the worst first.
 *
 * The shares are max-min fair: whoever needs less than an equal part keeps what he
 * has, and the others get equal parts of the rest, but nobody less than is
 * reserved for him. So what the realms are over together is what exceeds `total`,
 * unless more than that is reserved.
 */
export function overShare (usages: readonly RealmUsage[], total: number): OverShare[] {
  const level = shareLevel(usages, total)
  const over = usages
    .map(usage => overLevel(usage, level))
    .filter(({ over }) => over > 0)
    .sort(worstFirst)

  // the level is a whole number: what is left of the total goes to those that are at
  // the level, one each
  let left = total - usages.reduce((sum, usage) => sum + Math.min(usage.connections, kept(usage, level)), 0)

  return over.map(entry => {
    if (left <= 0 || entry.share > level) {
      return entry
    }

    left--

    return { ...entry, over: entry.over - 1, share: entry.share + 1 }
  }).filter(({ over }) => over > 0).sort(worstFirst)
}

/**
 * The largest whole number such that all fit if nobody has more than that or his
 * reserve
 */
function shareLevel (usages: readonly RealmUsage[], total: number): number {
  let low = 0
  let high = usages.reduce((max, { connections }) => Math.max(max, connections), 0)

  while (low < high) {
    const level = Math.ceil((low + high) / 2)
    const needed = usages.reduce((sum, usage) => sum + Math.min(usage.connections, kept(usage, level)), 0)

    if (needed <= total) {
      low = level
    } else {
      high = level - 1
    }
  }

  return low
}

function kept ({ reserved = 0 }: RealmUsage, level: number): number {
  return Math.max(level, reserved)
}

function overLevel (usage: RealmUsage, level: number): OverShare {
  const share = kept(usage, level)

  return { realm: usage.realm, share, over: Math.max(0, usage.connections - share) }
}

function worstFirst (a: OverShare, b: OverShare): number {
  // those that are in no realm come before those of any
  return b.over - a.over || ((a.realm ?? '') < (b.realm ?? '') ? -1 : 1)
}
