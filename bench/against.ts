/* eslint-disable no-console */

/**
 * Compares this checkout with another commit of this repository: both are measured in turn,
 * each time in a process of its own, and judged by the ratios of the turns.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './measure.ts'
import type { SideFigures } from './side.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * How often each side is measured, unless `--turns` says otherwise
 */
export const TURNS = 5

/**
 * What two commits have taken for the same thing
 */
export interface Comparison {
  readonly name: string
  readonly before: number
  readonly after: number

  /**
   * The median of the ratios of all turns, and the smallest and the largest of them:
   * above 1 it takes more than before
   */
  readonly ratio: number
  readonly lowest: number
  readonly highest: number
}

/**
 * Measures both, and prints a table
 *
 * @throws {Error} if there is no such commit
 */
export async function against (commit: string, turns = TURNS): Promise<void> {
  const { stdout } = await run('git', ['rev-parse', '--short', '--verify', `${commit}^{commit}`], { cwd: ROOT })
  const folder = await mkdtemp(path.join(os.tmpdir(), 'connmgr-against-'))
  const other = path.join(folder, 'checkout')

  try {
    await run('git', ['worktree', 'add', '--detach', other, commit], { cwd: ROOT })
    await symlink(path.join(ROOT, 'node_modules'), path.join(other, 'node_modules'))
    const before: SideFigures[] = []
    const after: SideFigures[] = []

    for (let turn = 0; turn < turns; turn++) {
      // what runs first finds another machine than what runs second
      const sides = turn % 2 === 0 ? [[other, before], [ROOT, after]] as const : [[ROOT, after], [other, before]] as const

      for (const [checkout, figures] of sides) {
        figures.push(await measure(checkout))
      }
    }

    console.info(`before: ${stdout.trim()}, after: this checkout, ${turns} turns\n`)
    console.info(againstTable(comparisons(before, after)))
  } finally {
    await run('git', ['worktree', 'remove', '--force', other], { cwd: ROOT }).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Puts the figures of the turns side by side
 */
export function comparisons (before: readonly SideFigures[], after: readonly SideFigures[]): Comparison[] {
  return Object.keys(after[0] ?? {}).map(name => {
    const ratios = after.map((figures, turn) => figures[name] / before[turn][name])

    return {
      name,
      before: median(before.map(figures => figures[name])),
      after: median(after.map(figures => figures[name])),
      ratio: median(ratios),
      lowest: Math.min(...ratios),
      highest: Math.max(...ratios)
    }
  })
}

/**
 * The comparisons for people
 */
export function againstTable (rows: readonly Comparison[]): string {
  const line = (name: string, ...columns: string[]): string => `${name.padEnd(40)}${columns.map(column => column.padStart(12)).join('')}`

  return [
    line('', 'before', 'after', 'ratio', 'lowest', 'highest'),
    ...rows.map(({ name, before, after, ratio, lowest, highest }) => line(name, ...[before, after].map(value => value < 100 ? value.toFixed(2) : value.toFixed(0)), ...[ratio, lowest, highest].map(value => value.toFixed(2))))
  ].join('\n')
}

async function measure (checkout: string): Promise<SideFigures> {
  const { stdout } = await run(process.execPath, ['--expose-gc', '--no-warnings', fileURLToPath(new URL('side.ts', import.meta.url)), checkout])

  return JSON.parse(stdout)
}
