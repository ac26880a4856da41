import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'

/**
 * In ms: a process that says nothing for so long is given up
 */
const TIMEOUT = 90_000

/**
 * Starts a program of this folder
 */
export function start (program: string, ...args: Array<string | number>): ChildProcess {
  return fork(fileURLToPath(new URL(program, import.meta.url)), args.map(arg => `${arg}`))
}

/**
 * What a process says next
 *
 * @throws {Error} if it ends, or says nothing for long
 */
export async function answer <T> (child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`Nothing was heard for ${TIMEOUT} ms`)) }, TIMEOUT)
    const onExit = (): void => {
      clearTimeout(timer)
      reject(new Error('The process has ended'))
    }

    timer.unref()
    child.once('exit', onExit)
    child.once('message', message => {
      clearTimeout(timer)
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}
