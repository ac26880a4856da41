/**
 * The `n`-th smallest of the numbers, none of which is `NaN`. Rearranges them.
 * Quickselect with the median of three, without a call per comparison.
 */
export function nthSmallest (values: number[], n: number): number {
  const k = n - 1
  let left = 0
  let right = values.length - 1
  let rounds = 2 * Math.log2(values.length + 1) + 8

  while (left < right) {
    // orders that are made to be partitioned badly cost no more than a sort
    if (rounds-- < 0) {
      return values.sort((a, b) => a - b)[k]
    }

    const pivot = medianOfThree(values[left], values[(left + right) >>> 1], values[right])
    let i = left
    let j = right

    while (i <= j) {
      while (values[i] < pivot) {
        i++
      }

      while (values[j] > pivot) {
        j--
      }

      if (i <= j) {
        const value = values[i]
        values[i] = values[j]
        values[j] = value
        i++
        j--
      }
    }

    if (k <= j) {
      right = j
    } else if (k >= i) {
      left = i
    } else {
      break
    }
  }

  return values[k]
}

function medianOfThree (a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
