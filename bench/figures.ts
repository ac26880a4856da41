/* eslint-disable no-console */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * What an operation took, and may take
 */
export interface Figure {
  name: string
  unit: 'µs' | 'ms'
  measured: number
  target: number
}

/**
 * The figures of a program of its own
 */
export class Figures {
  private readonly figures: Figure[] = []

  add (figure: Figure): void {
    this.figures.push({ ...figure, measured: Number(figure.measured.toPrecision(4)) })
  }

  /**
   * Prints them, with `--json` for `resultsOf`. The process fails if a target is
   * missed.
   */
  print (): void {
    if (process.argv.includes('--json')) {
      console.info(JSON.stringify(this.figures))
      return
    }

    this.figures.forEach(figure => { console.info(figureLine(figure)) })
    process.exitCode = this.figures.every(isReached) ? 0 : 1
  }
}

export function isReached ({ measured, target }: Figure): boolean {
  return measured <= target
}

/**
 * A figure for people
 */
export function figureLine (figure: Figure): string {
  const { name, unit, measured, target } = figure

  return `${name.padEnd(72)} ${measured.toFixed(3).padStart(8)} ${unit}   target ${target} ${unit}   ${isReached(figure) ? 'ok' : 'TOO SLOW'}`
}

/**
 * What another program measured, e.g. the figures of `gating.ts`. It runs in a
 * process of its own, as what is in memory and compiled here would change them.
 */
export async function resultsOf <T> (program: string): Promise<T> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [path, '--json'])

  return JSON.parse(stdout)
}
