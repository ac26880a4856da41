export interface PlotOptions {
  lowWater: number
  highWater: number

  /**
   * In ms
   */
  duration: number

  /**
   * How many columns the plot itself has
   *
   * @default 64
   */
  width?: number
}

export interface Sample {
  /**
   * In ms
   */
  at: number
  connections: number
}

/**
 * From empty to full, in eighths
 */
const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/**
 * How many rows there are between the watermarks
 */
const ROWS_BETWEEN = 3

/**
 * How high the plot may be in rows
 */
const MAX_ROWS = 24

/**
 * Draws how many connections were open over time, as bars, with lines where the
 * watermarks are
 */
export function plot (samples: readonly Sample[], { lowWater, highWater, duration, width = 64 }: PlotOptions): string[] {
  const columns = highestPerColumn(samples, duration, width)
  const top = Math.max(highWater, ...columns)
  const step = Math.max(1, (highWater - lowWater) / ROWS_BETWEEN, top / MAX_ROWS)

  // both watermarks are between two rows
  const below = Math.floor(lowWater / step)
  const bottom = lowWater - below * step
  const rows = below + Math.ceil((top - lowWater) / step)
  const labels = new Map([
    [below - 1, `low ${lowWater}`],
    [below + Math.round((highWater - lowWater) / step) - 1, `high ${highWater}`]
  ])
  const lines: string[] = []

  for (let row = rows - 1; row >= 0; row--) {
    const label = labels.get(row)
    const cells = columns.map(value => cell((value - bottom - row * step) / step, label != null))

    lines.push(`${(label ?? '').padStart(10)} ${label == null ? '│' : '┤'}${cells.join('')}`.trimEnd())
  }

  return [...lines, ...timeAxis(duration, width)]
}

/**
 * The part of a bar that is in one row, of which `fill` is covered. A watermark at
 * the upper edge of the row can be seen before the bar and behind it.
 */
function cell (fill: number, watermark: boolean): string {
  const eighths = Math.round(fill * 8)

  if (eighths <= 0) {
    return watermark ? '▔' : ' '
  }

  return BARS[Math.min(watermark ? 7 : 8, eighths)]
}

/**
 * The most connections that were open at any time within each column
 */
function highestPerColumn (samples: readonly Sample[], duration: number, width: number): number[] {
  const columns: number[] = []
  let next = 0
  let current = 0

  for (let column = 0; column < width; column++) {
    const end = (column + 1) / width * duration
    let highest = current

    while (next < samples.length && samples[next].at < end) {
      current = samples[next++].connections
      highest = Math.max(highest, current)
    }

    columns.push(highest)
  }

  return columns
}

/**
 * A mark every few seconds
 */
function timeAxis (duration: number, width: number): string[] {
  const seconds = duration / 1_000
  const step = [1, 2, 5, 10, 20, 30, 60].find(step => seconds / step <= 8) ?? Math.ceil(seconds / 8)
  const axis = new Array<string>(width).fill('─')
  let labels = ''

  for (let second = 0; second < seconds; second += step) {
    const column = Math.min(width - 1, Math.round(second / seconds * width))
    axis[column] = '┬'
    labels = `${labels.padEnd(column)}${second}`
  }

  return [`${'0'.padStart(10)} └${axis.join('')}`, `${' '.repeat(12)}${labels} s`]
}
