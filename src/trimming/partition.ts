/**
 * Rearranges the items so that the `n` smallest come first and the largest of
 * these is the n-th (Hoare's selection with the median of three as the pivot)
 */
export function partition <T> (items: T[], n: number, compare: (a: T, b: T) => number): void {
  const k = n - 1
  let left = 0
  let right = items.length - 1
  let rounds = 2 * Math.log2(items.length + 1) + 8

  while (left < right) {
    // orders that are made to be partitioned badly cost no more than a sort
    if (rounds-- < 0) {
      items.sort(compare)
      return
    }

    const [, pivot] = [items[left], items[(left + right) >>> 1], items[right]].sort(compare)
    let i = left
    let j = right

    while (i <= j) {
      while (compare(items[i], pivot) < 0) {
        i++
      }

      while (compare(items[j], pivot) > 0) {
        j--
      }

      if (i <= j) {
        const item = items[i]
        items[i] = items[j]
        items[j] = item
        i++
        j--
      }
    }

    if (k <= j) {
      right = j
    } else if (k >= i) {
      left = i
    } else {
      return
    }
  }
}
