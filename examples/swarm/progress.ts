import type { SwarmRecord } from './recorder.ts'
import type { WriteStream } from 'node:tty'

type Figures = Pick<SwarmRecord, 'lowWater' | 'highWater' | 'opened' | 'refused' | 'trimmed' | 'duration' | 'final' | 'peak'>

/**
 * In ms
 */
const TTY_INTERVAL = 100
const PLAIN_INTERVAL = 2_000

/**
 * How many characters the gauge has
 */
const GAUGE = 30

/**
 * Shows how it is going: on a terminal a line that changes, elsewhere a line every
 * two seconds
 */
export class Progress {
  private readonly out: WriteStream
  private readonly figures: () => Figures | undefined
  private readonly timer: NodeJS.Timeout
  private phase = ''

  constructor (out: WriteStream, figures: () => Figures | undefined) {
    this.out = out
    this.figures = figures
    this.timer = setInterval(() => { this.show() }, out.isTTY ? TTY_INTERVAL : PLAIN_INTERVAL)
  }

  /**
   * Something else begins
   */
  enter (phase: string): void {
    this.phase = phase
    this.show()
  }

  stop (): void {
    clearInterval(this.timer)

    if (this.out.isTTY) {
      this.out.write('\r\u001b[K')
    }
  }

  private show (): void {
    const figures = this.figures()
    const line = figures == null ? this.phase : progressLine(figures, this.phase, this.out.isTTY)
    this.out.write(this.out.isTTY ? `\r\u001b[K${line.slice(0, this.out.columns - 1)}` : `${line}\n`)
  }
}

/**
 * One line that says how it is going
 */
export function progressLine (figures: Figures, phase: string, withGauge = false): string {
  const { final: open, refused, trimmed, duration } = figures
  const counts = `${open} open · ${trimmed} trimmed · ${refused} refused`

  return `${(duration / 1_000).toFixed(1).padStart(5)} s  ${withGauge ? `${gauge(figures)}  ` : ''}${counts}  ${phase}`
}

/**
 * How full the node is, with a mark at each watermark
 */
export function gauge ({ final: open, lowWater, highWater }: Pick<Figures, 'final' | 'lowWater' | 'highWater'>): string {
  const scale = GAUGE / (highWater * 1.25)
  const marks = [lowWater, highWater].map(mark => Math.round(mark * scale))

  return Array.from({ length: GAUGE }, (_, i) => {
    if (marks.includes(i)) {
      return '┃'
    }

    return i < open * scale ? '█' : '░'
  }).join('')
}
