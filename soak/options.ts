export interface SoakOptions {
  minutes: number
  seed: number
  json: boolean
  evidence: boolean
}

export const USAGE = `npm run soak -- [options]

  --minutes <n>   how long nodes come, go and misbehave, 10 by default
  --seed <n>      repeats what was chosen at random, though not how it was timed
  --json          the figures for programs
  --evidence      writes them to docs/evidence.md`

/**
 * @throws {Error} if an option is not known, or is no number
 */
export function parseOptions (args: readonly string[]): SoakOptions {
  const options: SoakOptions = { minutes: 10, seed: 1, json: false, evidence: false }
  const rest = [...args]

  for (let name = rest.shift(); name != null; name = rest.shift()) {
    if (name === '--json') {
      options.json = true
    } else if (name === '--evidence') {
      options.evidence = true
    } else if (name === '--minutes') {
      options.minutes = numberOf(name, rest.shift())
    } else if (name === '--seed') {
      options.seed = numberOf(name, rest.shift())
    } else {
      throw new Error(`unknown option ${name}\n\n${USAGE}`)
    }
  }

  return options
}

function numberOf (name: string, text: string | undefined): number {
  const value = Number(text)

  if (text == null || !(value > 0)) {
    throw new Error(`${name} must be a number above 0, got ${text}\n\n${USAGE}`)
  }

  return value
}
