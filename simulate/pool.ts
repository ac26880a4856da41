import { Worker } from 'node:worker_threads'
import type { RunInit, RunResult } from './run.ts'
import type { Job } from './scenarios.ts'

/**
 * A job that was done
 */
export interface Outcome extends Job {
  readonly result: RunResult

  /**
   * How long the processor was busy with it, in ms. All else is the same each time.
   */
  readonly busy: number
}

/**
 * What a worker answers
 */
export type WorkerAnswer = Pick<Outcome, 'result' | 'busy'>

const WORKER = new URL('./worker.ts', import.meta.url)

/**
 * Does jobs in several threads, those that are the same only once. The outcomes are
 * in the order of the jobs.
 */
export async function runAll (jobs: readonly Job[], threads: number, onDone: (done: number, count: number) => void = () => {}): Promise<Outcome[]> {
  const runs = new Map(jobs.map(job => [keyOf(job), job]))
  const answers = new Map<string, WorkerAnswer>()

  // the longest first, so that no thread is left with one at the end
  const queue = [...runs.values()].sort((a, b) => cost(b) - cost(a))

  const work = async (): Promise<void> => {
    const worker = new Worker(WORKER)

    try {
      for (let job = queue.shift(); job != null; job = queue.shift()) {
        answers.set(keyOf(job), await ask(worker, job.init))
        onDone(answers.size, runs.size)
      }
    } finally {
      await worker.terminate()
    }
  }

  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work))

  return jobs.flatMap(job => {
    const answer = answers.get(keyOf(job))

    return answer == null ? [] : [{ ...job, ...answer }]
  })
}

function keyOf ({ init }: Job): string {
  return JSON.stringify(init)
}

/**
 * How many attempts the attacker makes. Our own policy is the only one that is not a
 * model, and takes longest.
 */
function cost ({ init: { duration, policy, traffic } }: Job): number {
  return duration / traffic.attackInterval * (policy === 'ours' ? 10 : 1)
}

async function ask (worker: Worker, init: RunInit): Promise<WorkerAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WorkerAnswer>()
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.postMessage(init)

  try {
    return await promise
  } finally {
    worker.off('error', reject)
  }
}
