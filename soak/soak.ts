import { setTimeout as delay } from 'node:timers/promises'
import { ACTIONS } from './actions.ts'
import { fillDecisions } from './fill-decisions.ts'
import { sampleHeap } from './heap.ts'
import { leftovers, listeners } from './leftovers.ts'
import { broken, differences } from './recount.ts'
import type { Action } from './actions.ts'
import type { HeapSample } from './heap.ts'
import type { TimerLedger } from './timer-ledger.ts'
import type { World } from './world.ts'

/**
 * Something that should not be
 */
export interface Violation {
  readonly step: number
  readonly what: readonly string[]

  /**
   * What was done in this step and in the one before, and what came of it
   */
  readonly actions: readonly string[]
}

export interface SoakFigures {
  steps: number
  actions: number
  refused: number
  opened: number
  restarts: number
  recounts: number
  samples: HeapSample[]

  /**
   * How long the node took at most to stop, and until everything was counted right, in ms
   */
  longestStop: number
  longestSettle: number

  /**
   * How often yamux threw where nobody can catch it
   */
  errorsOfYamux: number
  violation?: Violation
}

/**
 * At most this many things happen at the same time
 */
const BURST = 8

/**
 * The node is stopped in one of so many steps, in the middle of what happens
 */
const STEPS_PER_RESTART = 40

/**
 * In ms: everything that is under way has an end by then, also on a slow machine
 */
const SETTLE = 15_000

/**
 * How often the heap is looked at
 */
const SAMPLES = 24

/**
 * In ms: how long the node is stopped before the heap is looked at, so that it tells what
 * is remembered, and not what is open. A timeout that nobody waits for any more is kept by Node until
 * its time has come, with all that listens to it: at most 5 seconds, for what libp2p
 * reads from the peer store. What a stop forgets is not seen, but then it is never older than
 * the last stop.
 */
const REST = 5_500

/**
 * No more than one of so many parts of the time is spent so
 */
const RESTING = 4

const TOTAL_WEIGHT = ACTIONS.reduce((sum, { weight }) => sum + weight, 0)

/**
 * Errors that nobody throws on purpose
 */
const BUGS = ['TypeError', 'ReferenceError', 'RangeError']

/**
 * Does all sorts of things to a node, at random and many at the same time, and counts
 * again after every step
 */
export class Soak {
  readonly figures: SoakFigures = { steps: 0, actions: 0, refused: 0, opened: 0, restarts: 0, recounts: 0, samples: [], longestStop: 0, longestSettle: 0, errorsOfYamux: 0 }
  private readonly world: World
  private readonly timers: TimerLedger
  private readonly accidents: string[] = []
  private log: string[] = []
  private lastLog: string[] = []

  constructor (world: World, timers: TimerLedger) {
    this.world = world
    this.timers = timers
  }

  /**
   * Runs until the time is over, or something is not as it should be
   *
   * @param duration - in ms
   * @param onStep - called after every step
   */
  async run (duration: number, onStep: () => void): Promise<void> {
    const { figures, world } = this
    const begin = performance.now()
    const elapsed = (): number => performance.now() - begin

    world.subject.addEventListener('connection:open', () => { figures.opened++ })
    const before = listeners(world)
    await world.subject.start()

    for (const remote of world.remotes) {
      await remote.start()
    }

    await fillDecisions(world)

    let nextSample = 0

    while (elapsed() < duration && figures.violation == null) {
      const isSample = elapsed() >= nextSample
      await this.step(before, isSample ? async () => { figures.samples.push(await this.sample(elapsed())) } : undefined)
      onStep()

      if (isSample) {
        nextSample = elapsed() + Math.max(duration / SAMPLES, REST * RESTING)
      }
    }
  }

  /**
   * An error that nobody has caught
   */
  onAccident (what: string, err: unknown): void {
    if (isOfYamux(err)) {
      this.figures.errorsOfYamux++
      return
    }

    this.accidents.push(`${what}: ${err instanceof Error ? err.stack ?? err.message : String(err)}`)
  }

  /**
   * With something to do while the node is stopped, it is stopped in this step
   */
  private async step (before: ReadonlyMap<string, number>, whileStopped?: () => Promise<void>): Promise<void> {
    const { figures, world } = this
    figures.steps++
    this.lastLog = this.log
    this.log = []

    const burst = Array.from({ length: world.random.between(1, BURST) }, () => this.choose())
    const isRestart = world.random.between(1, STEPS_PER_RESTART) === 1 || whileStopped != null
    const running = Promise.all(burst.map(async action => this.do(action)))
    this.check(() => broken(world))

    if (isRestart) {
      this.log.push('the node is stopped')
      const begin = performance.now()
      await this.within(async () => world.subject.stop(), 'the node does not stop')
      figures.longestStop = Math.max(figures.longestStop, performance.now() - begin)
    }

    await this.within(async () => running, 'what was asked for has no end')

    if (isRestart) {
      figures.restarts++
      await this.settle(async () => leftovers(world, before, this.timers))
      await whileStopped?.()
      await this.within(async () => world.subject.start(), 'the node does not start')
    }

    await this.settle(async () => differences(world))
    this.check(() => this.accidents)
  }

  private async sample (at: number): Promise<HeapSample> {
    await delay(REST)
    this.world.forgetClosedStreams()

    return sampleHeap(at, this.figures.opened)
  }

  private choose (): Action {
    let left = this.world.random.next() * TOTAL_WEIGHT

    return ACTIONS.find(({ weight }) => (left -= weight) < 0) ?? ACTIONS[0]
  }

  private async do ({ name, run }: Action): Promise<void> {
    this.figures.actions++
    const index = this.log.push(`${name} …`) - 1

    try {
      await run(this.world)
      this.log[index] = `${name}: done`
    } catch (err) {
      this.figures.refused++
      this.log[index] = `${name}: ${String(err)}`

      if (!isProper(err)) {
        this.onAccident(`${name} failed with what is no proper error`, err)
      }
    }
  }

  private async within (task: () => Promise<unknown>, complaint: string): Promise<void> {
    const controller = new AbortController()

    await Promise.race([
      task().finally(() => { controller.abort() }),
      delay(SETTLE, undefined, { signal: controller.signal }).then(() => { this.violate([complaint]) }, () => {})
    ])
  }

  /**
   * Waits until everything is as it should be, for as long as what is under way may
   * take
   */
  private async settle (find: () => Promise<string[]>): Promise<void> {
    const begin = performance.now()
    let found = await find()
    this.figures.recounts++

    for (let wait = 1; found.length > 0 && performance.now() - begin < SETTLE && this.figures.violation == null; wait = Math.min(50, wait * 2)) {
      await delay(wait)
      found = await find()
    }

    this.figures.longestSettle = Math.max(this.figures.longestSettle, performance.now() - begin)
    this.check(() => found)
  }

  private check (find: () => string[]): void {
    const found = find()

    if (found.length > 0) {
      this.violate(found)
    }
  }

  private violate (what: string[]): void {
    this.figures.violation ??= { step: this.figures.steps, what, actions: [...this.lastLog, '--', ...this.log] }
  }
}

/**
 * libp2p's streams reject with the event that has ended them
 */
function isProper (err: unknown): boolean {
  return err instanceof Event || (err instanceof Error && !BUGS.includes(err.name))
}

/**
 * The first frame of a stream of yamux is sent in a microtask. When the connection is
 * lost between the two, as when the remote closes it in this very moment, it throws where
 * neither whoever opens the stream nor anybody else can catch it.
 */
function isOfYamux (err: unknown): boolean {
  const [, ...frames] = err instanceof Error ? err.stack?.split('\n    at ') ?? [] : []

  return err instanceof Error && err.name === 'StreamStateError' && frames.some(frame => frame.includes('YamuxStream.sendWindowUpdate')) && frames.at(-1)?.includes('@libp2p/yamux/') === true
}
