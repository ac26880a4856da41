import { candidatePipeline } from './candidate-stages.ts'
import { mixFairly } from './mix-fairly.ts'
import { SourceReader } from './source-reader.ts'
import type { CandidateChecks } from './candidate-stages.ts'
import type { Candidate } from './candidate.ts'
import type { DialRecords } from './dial-records.ts'
import type { RetryChance } from './retry-chance.ts'
import type { SkipReason, SkippedCandidate } from './skip-reasons.ts'
import type { CandidateSource } from './source-reader.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Logger, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface CandidateFinderComponents extends Pick<CandidateChecks, 'lookUp' | 'isDialable' | 'dialable' | 'isPeerBanned' | 'isAddressBanned' | 'onSkip'> {
  clock: Clock
  random: Random
  log: Logger
  peerId: PeerId
  records: DialRecords
  isConnected(peerId: PeerId): boolean
  isDialling(peer: string): boolean

  /**
   * Is a peer not to be dialled as long as there is no room for it?
   */
  isParked(peerId: PeerId): boolean

  /**
   * Whether there may be one more connection to the network of an address
   */
  hasRoom(multiaddr: Multiaddr): boolean

  /**
   * A source that was slow has something now
   */
  onReady(): void
}

export interface CandidateFinderInit {
  retryChance: RetryChance
  protocols: readonly string[]
  softGroups: boolean
}

/**
 * The chance of all grows by this with each candidate whose turn it is not, until one
 * is dialled, so that one is dialled in the end (btcd)
 */
const CHANCE_GROWTH = 1.2

/**
 * Of how many peers it is remembered that the user hung up on them
 */
const MAX_HUNG_UP = 1_000

/**
 * Finds peers that may be dialled, as they are asked for
 */
export class CandidateFinder {
  readonly #components: CandidateFinderComponents
  readonly #init: CandidateFinderInit
  readonly #readers: SourceReader[]
  readonly #feelerReader: SourceReader
  readonly #hungUp = new Set<string>()
  #growth = 1

  /**
   * @param components - what candidates are asked about
   * @param init - which are wanted
   * @param sources - where they come from
   * @param feelerSource - where those come from that are looked at now and then
   */
  constructor (components: CandidateFinderComponents, init: CandidateFinderInit, sources: readonly CandidateSource[], feelerSource: CandidateSource) {
    this.#components = components
    this.#init = init
    this.#readers = sources.map(source => new SourceReader(source, components))
    this.#feelerReader = new SourceReader(feelerSource, { ...components, onReady: () => {} })
  }

  /**
   * Those that may be dialled to stay connected
   */
  candidates (signal: AbortSignal): AsyncGenerator<Candidate, void, undefined> {
    return candidatePipeline(mixFairly(this.#readers, signal), this.#checks(signal, this.#components.onSkip))
  }

  /**
   * One that may be dialled to see whether it is there, in whatever network
   */
  async feelerCandidate (signal: AbortSignal): Promise<Candidate | undefined> {
    const candidates = candidatePipeline(mixFairly([this.#feelerReader], signal), { ...this.#checks(signal, () => {}), hasRoom: undefined })

    try {
      const { value } = await candidates.next()

      return value ?? undefined
    } finally {
      await candidates.return()
      this.#feelerReader.release()
    }
  }

  /**
   * After how many ms a source may have candidates that was asked too early, `Infinity`
   * if there is none
   */
  get retryIn (): number {
    return Math.min(Infinity, ...this.#readers.map(({ retryIn }) => retryIn))
  }

  /**
   * None are needed for now
   */
  release (): void {
    this.#readers.forEach(reader => { reader.release() })
  }

  /**
   * Sources may be asked again at once, as if none had failed
   */
  retry (): void {
    for (const reader of [...this.#readers, this.#feelerReader]) {
      reader.retry()
    }
  }

  stop (): void {
    for (const reader of [...this.#readers, this.#feelerReader]) {
      reader.stop()
    }

    this.#hungUp.clear()
    this.#growth = 1
  }

  /**
   * The user hung up on a peer. It is left alone until it is connected again.
   */
  hangUp (peer: string): void {
    this.#hungUp.delete(peer)
    this.#hungUp.add(peer)

    for (const oldest of this.#hungUp) {
      if (this.#hungUp.size <= MAX_HUNG_UP) {
        break
      }

      this.#hungUp.delete(oldest)
    }
  }

  /**
   * There is a connection to a peer, or the user wants one
   */
  forgive (peer: string): void {
    this.#hungUp.delete(peer)
  }

  #checks (signal: AbortSignal, onSkip: (skipped: SkippedCandidate) => void): CandidateChecks {
    const { lookUp, isDialable, dialable, isPeerBanned, isAddressBanned, hasRoom } = this.#components

    return {
      lookUp,
      isDialable,
      dialable,
      signal,
      isPeerBanned,
      isAddressBanned,
      hasRoom,
      onSkip,
      unavailable: candidate => this.#unavailable(candidate),
      isDue: candidate => this.#isDue(candidate),
      protocols: this.#init.protocols,
      softGroups: this.#init.softGroups
    }
  }

  #unavailable ({ key, peerId }: Candidate): SkipReason | undefined {
    const { isConnected, isDialling, isParked, peerId: self, records } = this.#components

    if (self.equals(peerId)) {
      return 'self'
    }

    if (isConnected(peerId)) {
      return 'connected'
    }

    if (isDialling(key)) {
      return 'dialling'
    }

    if (this.#hungUp.has(key)) {
      return 'hung-up'
    }

    if (isParked(peerId)) {
      return 'parked'
    }

    return records.isFresh(key) ? 'just-tried' : undefined
  }

  #isDue ({ key }: Candidate): boolean {
    const { clock, log, random, records } = this.#components
    let chance = 1

    try {
      chance = this.#init.retryChance(records.get(key), clock.now())
    } catch (err) {
      log.error('retryChance failed - %e', err)
    }

    // a chance that is no number is none
    if (random.next() < chance * this.#growth) {
      this.#growth = 1

      return true
    }

    this.#growth = Math.min(this.#growth * CHANCE_GROWTH, Number.MAX_SAFE_INTEGER)

    return false
  }
}
