import process from 'node:process'
import { parentPort } from 'node:worker_threads'
import { run } from './run.ts'
import type { WorkerAnswer } from './pool.ts'
import type { RunInit } from './run.ts'

// what is rejected here ends the thread, and whoever waits for the answer is told
parentPort?.on('message', async (init: RunInit) => {
  const before = process.threadCpuUsage()
  const result = await run(init)
  const { user, system } = process.threadCpuUsage(before)
  const answer: WorkerAnswer = { result, busy: (user + system) / 1_000 }
  parentPort?.postMessage(answer)
})
