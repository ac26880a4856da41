/**
 * The files that each way leads through, in order
 */
export type Ways = Record<'inbound' | 'dial' | 'tag' | 'stream' | 'trim', string[]>

const TITLES: Record<keyof Ways, string> = {
  inbound: 'An inbound connection',
  dial: 'A dial',
  tag: 'A tag',
  stream: 'A stream',
  trim: 'A trim'
}

const START = '<!-- trace -->'
const END = '<!-- end of trace -->'
const INTRODUCTION = 'Written by `npm run trace -- --write`, from a run of real nodes over TCP: the files of `src`, in the order in which they are entered.'

/**
 * How many files there are, for people
 */
export function traceLines (ways: Ways, maxima: Record<keyof Ways, number>): string {
  return waysOf(ways)
    .map(([way, files]) => `${files.length <= maxima[way] ? '✔' : '✘'} ${way}: ${files.length} files, at most ${maxima[way]}\n${files.map(file => `    ${file}`).join('\n')}`)
    .join('\n')
}

/**
 * The page with these lists in the place of the last ones, or at its end
 */
export function withTrace (page: string, ways: Ways): string {
  const section = `${START}\n${INTRODUCTION}\n\n${waysOf(ways).map(([way, files]) => `- **${TITLES[way]}** (${files.length}): ${files.map(file => `\`${file}\``).join(', ')}`).join('\n')}\n${END}`
  const [start, end] = [page.indexOf(START), page.indexOf(END)]

  return start === -1 || end < start
    ? `${page.trimEnd()}\n\n## The files on the way\n\n${section}\n`
    : `${page.slice(0, start)}${section}${page.slice(end + END.length)}`
}

function waysOf (ways: Ways): Array<[keyof Ways, string[]]> {
  return (Object.keys(TITLES) as Array<keyof Ways>).map(way => [way, ways[way]])
}
