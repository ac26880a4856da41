import { stripTypeScriptTypes } from 'node:module'

/**
 * What is known of a file after it has run, in the format of Istanbul: for V8 each
 * line is a statement
 */
export interface FileCoverage {
  readonly statementMap: Record<string, { readonly start: { readonly line: number } }>

  /**
   * How often each statement has run
   */
  readonly s: Record<string, number>
}

/**
 * How much of a file has run
 */
export interface FileLines {
  /**
   * From the root of the repository, e.g. `src/random.ts`
   */
  readonly file: string

  /**
   * How many lines of code it has
   */
  readonly lines: number

  /**
   * Those that have not run
   */
  readonly missed: readonly number[]
}

/**
 * How much of several files has run
 */
export interface RoomLines {
  readonly room: string
  readonly files: number
  readonly lines: number
  readonly covered: number

  /**
   * In percent
   */
  readonly percent: number
}

/**
 * The numbers of the lines that have code, from 1 on. V8 reports all others as
 * covered: empty ones, comments, types, and those that only close what was opened.
 */
export function codeLines (source: string): number[] {
  let inComment = false

  return stripTypeScriptTypes(source).split('\n').flatMap((line, index) => {
    const text = line.trim()
    const isComment = inComment || text.startsWith('/*')
    inComment = isComment && !text.includes('*/')

    return isComment || text.startsWith('//') || !/[^\s{}()[\];,]/.test(text) ? [] : [index + 1]
  })
}

/**
 * How much of a file has run. Nothing has, if nothing is known of it.
 */
export function linesOf (file: string, source: string, coverage?: FileCoverage): FileLines {
  const lines = codeLines(source)
  const ran = new Set<number>()

  for (const [id, { start }] of Object.entries(coverage?.statementMap ?? {})) {
    if ((coverage?.s[id] ?? 0) > 0) {
      ran.add(start.line)
    }
  }

  return { file, lines: lines.length, missed: lines.filter(line => !ran.has(line)) }
}

/**
 * All files of a room together
 */
export function roomOf (room: string, files: readonly FileLines[]): RoomLines {
  const lines = files.reduce((sum, file) => sum + file.lines, 0)
  const covered = lines - files.reduce((sum, { missed }) => sum + missed.length, 0)

  return { room, files: files.length, lines, covered, percent: lines === 0 ? 100 : Number((covered / lines * 100).toFixed(2)) }
}

/**
 * e.g. `3-5, 9`
 */
export function ranges (numbers: readonly number[]): string {
  const found: Array<[number, number]> = []

  for (const number of numbers) {
    const last = found.at(-1)

    if (last?.[1] === number - 1) {
      last[1] = number
    } else {
      found.push([number, number])
    }
  }

  return found.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(', ')
}
