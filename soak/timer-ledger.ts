import { fileURLToPath } from 'node:url'

type Handle = ReturnType<typeof setTimeout>

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url))

/**
 * Knows which timers of this process were started by our code and have neither fired
 * nor been stopped, those included that do not keep the process alive
 */
export class TimerLedger {
  private readonly timers = new Map<Handle, string>()
  private readonly originals = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval }

  install (): void {
    const { clearInterval, clearTimeout, setInterval, setTimeout } = this.originals
    const timers = this.timers

    const wrapped = {
      setTimeout: (callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]): Handle => {
        const timer = setTimeout(() => {
          timers.delete(timer)
          callback(...args)
        }, delay)
        note(timer)

        return timer
      },
      setInterval: (callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]): Handle => {
        const timer = setInterval(callback, delay, ...args)
        note(timer)

        return timer
      },
      clearTimeout: (timer?: Handle) => {
        timer != null && timers.delete(timer)
        clearTimeout(timer)
      },
      clearInterval: (timer?: Handle) => {
        timer != null && timers.delete(timer)
        clearInterval(timer)
      }
    }

    function note (timer: Handle): void {
      const origin = originOf(new Error().stack ?? '')

      if (origin != null) {
        timers.set(timer, origin)
      }
    }

    Object.assign(globalThis, wrapped)
  }

  /**
   * Where the timers that are left were started
   */
  get left (): string[] {
    return [...this.timers.values()]
  }
}

/**
 * The places in our code, the innermost first, without the clock
 */
function originOf (stack: string): string | undefined {
  const frames = stack.split('\n').filter(line => line.includes(SOURCES)).map(line => line.slice(line.indexOf(SOURCES) + SOURCES.length).replace(/[)]$/, ''))

  return frames.length === 0 ? undefined : frames.filter(frame => !frame.startsWith('clock.ts')).slice(0, 3).join(' < ')
}
