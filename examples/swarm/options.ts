import { parseArgs } from 'node:util'

export interface SwarmOptions {
  json: boolean

  /**
   * Show it on a page, until it is interrupted
   */
  inspect: boolean

  /**
   * How many peers are in the swarm
   */
  peers: number

  /**
   * For how many ms they come and go
   */
  duration: number
}

const DEFAULT_PEERS = 160
const DEFAULT_SECONDS = 14

export const USAGE = `Starts one node and a swarm of peers around it.

  --inspect      show it on a page, and go on until Ctrl-C
  --json         print one JSON object instead of a report
  --peers <n>    how many peers the swarm has, at least 20 (default ${DEFAULT_PEERS})
  --seconds <n>  for how long they come and go, 3 to 600 (default ${DEFAULT_SECONDS})
  --help         print this`

/**
 * Returns `undefined` if only help is asked for
 *
 * @throws {TypeError} if the arguments are not understood
 */
export function parseOptions (args: string[]): SwarmOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      inspect: { type: 'boolean', default: false },
      peers: { type: 'string', default: `${DEFAULT_PEERS}` },
      seconds: { type: 'string', default: `${DEFAULT_SECONDS}` },
      help: { type: 'boolean', default: false }
    }
  })

  if (values.help) {
    return
  }

  return {
    json: values.json,
    inspect: values.inspect,
    peers: number('peers', values.peers, 20, 1_000),
    duration: number('seconds', values.seconds, 3, 600) * 1_000
  }
}

function number (name: string, text: string, min: number, max: number): number {
  const value = Number(text)

  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw new TypeError(`--${name} has to be a whole number from ${min} to ${max}, it is "${text}"`)
  }

  return value
}
