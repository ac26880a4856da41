/* eslint-disable no-console */

/**
 * A file of more than 400 lines is probably two concepts
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const MAX_LINES = 400
const FOLDERS = ['src', 'test', 'bench', 'examples', 'scripts', 'simulate', 'soak']

const tooLong = FOLDERS
  .flatMap(folder => readdirSync(folder, { recursive: true }).map(file => join(folder, `${file}`)))
  .filter(file => /\.(ts|js|mjs|cjs)$/.test(file) && !file.includes('node_modules'))
  .map(file => ({ file, lines: readFileSync(file, 'utf-8').split('\n').length - 1 }))
  .filter(({ lines }) => lines > MAX_LINES)

for (const { file, lines } of tooLong) {
  console.error(`${file} has ${lines} lines, at most ${MAX_LINES} are allowed`)
}

process.exitCode = tooLong.length > 0 ? 1 : 0
