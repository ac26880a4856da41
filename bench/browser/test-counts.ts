import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'

/**
 * The suites that run in a browser, by where they do
 */
const SUITES: Record<string, string> = { window: 'test:chrome', worker: 'test:chrome-webworker' }

export interface TestCount {
  readonly where: string
  readonly passed: number
  readonly leftOut: number
}

/**
 * Runs the tests in a window and in a worker, and counts them
 *
 * @throws {Error} if one of them fails
 */
export async function testCounts (): Promise<TestCount[]> {
  const counts: TestCount[] = []

  for (const [where, script] of Object.entries(SUITES)) {
    const child = spawn('npm', ['run', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output: string[] = []
    child.stdout.on('data', data => { output.push(String(data)) })
    const [code] = await once(child, 'close')
    const text = stripVTControlCharacters(output.join(''))

    if (code !== 0) {
      throw new Error(`npm run ${script} failed:\n${text.slice(-2_000)}`)
    }

    counts.push({ where, passed: count(text, 'passing'), leftOut: count(text, 'pending') })
  }

  return counts
}

function count (text: string, what: string): number {
  return Number(new RegExp(`^\\s*(\\d+) ${what}`, 'm').exec(text)?.[1] ?? 0)
}
