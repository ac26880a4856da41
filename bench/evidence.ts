import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import process from 'node:process'

/**
 * The sections of the page, in the order in which they stand on it
 */
const SECTIONS = ['bench', 'storm', 'liveness', 'bench-go', 'interop', 'simulate', 'soak', 'browser', 'coverage', 'mutation', 'natlab', 'fuzz'] as const

/**
 * What one command has to say
 */
export interface Section {
  readonly name: typeof SECTIONS[number]
  readonly title: string

  /**
   * How to repeat it
   */
  readonly command: string

  /**
   * What was seen, in Markdown
   */
  readonly body: string

  /**
   * What else it was measured with, e.g. the version of Go
   */
  readonly versions?: string[]
}

const PAGE = new URL('../docs/evidence.md', import.meta.url)

const INTRODUCTION = `# Evidence

Each section is written by the command that it names, when that is run with \`--evidence\`: nothing here is
written by hand. Absolute times belong to the machine that is named, ratios come from one run.
`

/**
 * Put what a command has seen on the page `docs/evidence.md`, in place of what it
 * saw the last time
 */
export async function writeEvidence (section: Section): Promise<void> {
  const page = await fs.readFile(PAGE, 'utf-8').catch(() => '')

  await fs.writeFile(PAGE, withSection(page, section, machine(section.versions)))
}

/**
 * The page with this section in its place
 */
export function withSection (page: string, section: Section, measuredOn: string): string {
  const written = new Map(SECTIONS.map(name => [name, partOf(page, name)]))
  written.set(section.name, [
    `## ${section.title}`,
    `\`${section.command}\`, ${measuredOn}`,
    section.body.trim()
  ].join('\n\n'))

  const parts = SECTIONS.flatMap(name => {
    const part = written.get(name)

    return part == null ? [] : [`${startOf(name)}\n${part}\n${endOf(name)}`]
  })

  return `${[INTRODUCTION, ...parts].join('\n')}\n`
}

/**
 * A table in Markdown
 */
export function markdownTable (head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/**
 * What it was measured with
 */
export function machine (versions: string[] = []): string {
  // libp2p does not export it, so it is looked up beside what it exports
  const manifest = new URL('../../package.json', import.meta.resolve('libp2p'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf-8')) as { version: string }
  const cpus = os.cpus()

  return [
    new Date().toISOString().slice(0, 10),
    `${cpus.length} cores of ${cpus[0]?.model.trim() ?? 'an unknown processor'}`,
    `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    `${os.type()} ${os.release()}`,
    `Node ${process.version}`,
    `libp2p ${version}`,
    ...versions
  ].join(', ')
}

function partOf (page: string, name: string): string | undefined {
  const start = page.indexOf(startOf(name))
  const end = page.indexOf(endOf(name))

  return start === -1 || end < start ? undefined : page.slice(start + startOf(name).length, end).trim()
}

function startOf (name: string): string {
  return `<!-- ${name} -->`
}

function endOf (name: string): string {
  return `<!-- end of ${name} -->`
}
