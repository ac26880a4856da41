import { GoProgram } from '../fixtures/go-program.ts'

export interface GoPeerOptions {
  listen?: string[]

  /**
   * Relays for others
   */
  relay?: boolean

  /**
   * Verifies the addresses of others
   */
  autonat?: boolean

  /**
   * A limit file, whose limits it holds
   */
  limits?: string
}

/**
 * A connection as go-libp2p sees it
 */
export interface GoConnection {
  peer: string
  addr: string
  direction: 'Inbound' | 'Outbound'
  limited: boolean
}

export interface GoInfo {
  peer: string

  /**
   * Each ends with the peer id
   */
  addresses: string[]
  versions: { go: string, libp2p: string }
}

/**
 * What is asked of a resource manager: connections of a peer, or streams if there
 * is a protocol, until one is refused or so many are open
 */
export interface LimitAttempt {
  peer: string
  protocol?: string
  outbound?: boolean
  count: number
}

/**
 * What the commands answer
 */
export interface GoPeerCalls {
  info: GoInfo
  dial: undefined
  dialMany: { connected: number }
  ping: undefined
  connections: GoConnection[]
  limits: { file: unknown, granted: number[] }
}

/**
 * The program of `test/interop/go`, a go-libp2p node
 */
export const GO_PEER = new URL('./go/', import.meta.url)

/**
 * The arguments of the program
 */
export function goPeerArguments (options: GoPeerOptions): string[] {
  return [JSON.stringify({ listen: [], ...options })]
}

/**
 * A go-libp2p node in a process of its own
 */
export class GoPeer {
  readonly program: GoProgram<GoPeerCalls>
  readonly id: string
  readonly addresses: string[]

  constructor (program: GoProgram<GoPeerCalls>, { peer, addresses }: GoInfo) {
    this.program = program
    this.id = peer
    this.addresses = addresses
  }

  static async start (path: string, options: GoPeerOptions = {}): Promise<GoPeer> {
    const program = GoProgram.start<GoPeerCalls>(path, goPeerArguments(options))

    try {
      return new GoPeer(program, await program.call('info'))
    } catch (err) {
      await program.stop()
      throw err
    }
  }

  async call <K extends keyof GoPeerCalls> (command: K, args?: object): Promise<GoPeerCalls[K]> {
    return this.program.call(command, args)
  }

  /**
   * Its address of a transport, e.g. `/tcp/`
   */
  address (transport: string): string {
    const address = this.addresses.find(address => address.includes(transport))

    if (address == null) {
      throw new Error(`the Go node has no address with "${transport}": ${this.addresses.join(', ')}`)
    }

    return address
  }
}
