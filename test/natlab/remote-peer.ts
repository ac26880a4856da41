import { fileURLToPath } from 'node:url'
import { RemoteProgram } from '../fixtures/remote-program.ts'
import { until } from './lab.ts'
import type { Lab } from './lab.ts'
import type { MappingInfo, ReachabilityInit, ReachabilityStatus } from '../../src/reachability/index.ts'
import type { ChildProcess } from 'node:child_process'

export interface PeerOptions {
  listen: string[]
  announce?: string[]

  /**
   * Run libp2p's own AutoNAT v2 instead
   */
  upstream?: boolean
  reachability?: ReachabilityInit
}

export interface PeerInfo {
  peer: string
  addresses: string[]

  /**
   * Not of libp2p's own
   */
  reachability?: ReachabilityStatus
  mappings: MappingInfo[]
}

const PEER = fileURLToPath(new URL('./peer.ts', import.meta.url))

/**
 * What the commands answer
 */
export interface PeerCalls {
  start: undefined
  stop: undefined
  dial: undefined
  ping: undefined
  info: PeerInfo
}

/**
 * What it is told
 */
export type PeerRequest = { id: number } & (
  { command: 'start' | 'stop' | 'info' } |
  { command: 'dial', args: { addresses: string[] } } |
  { command: 'ping', args: { address: string } }
)

/**
 * A libp2p node in a namespace of the lab
 */
export class RemotePeer extends RemoteProgram<PeerCalls> {
  private readonly lab: Lab
  private readonly name: string
  private readonly options: PeerOptions
  private child?: ChildProcess
  private exitCode?: number | null

  constructor (lab: Lab, name: string, options: PeerOptions) {
    super()

    this.lab = lab
    this.name = name
    this.options = options
  }

  /**
   * Start the process; the node itself starts on command
   */
  async spawn (): Promise<this> {
    this.child = this.lab.spawn(this.name, [process.execPath, '--no-warnings', PEER, JSON.stringify(this.options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, DEBUG: process.env.LAB_DEBUG ?? '' }
    })
    this.child.on('message', message => { this.onMessage(message) })
    this.child.on('exit', code => {
      this.exitCode = code
      this.onEnd(`the peer ended with ${code}`)
    })
    await until(() => this.events.some(({ name }) => name === 'ready') || this.exitCode != null, 'the peer to be ready')

    if (this.exitCode != null) {
      throw new Error(`the peer in ${this.name} ended with ${this.exitCode}`)
    }

    return this
  }

  /**
   * Whether the node announces an address that contains this
   */
  async announces (text: string): Promise<boolean> {
    const { addresses } = await this.call('info')

    return addresses.some(address => address.includes(text))
  }

  async kill (): Promise<void> {
    await this.lab.kill(this.child)
  }

  protected send (request: object): void {
    this.child?.send(request)
  }
}
