import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * For how long processor time is measured. In ms
 */
const MEASURED = 2_000

/**
 * How long a process may take to tell its stack. In ms
 */
const TIME_TO_ANSWER = 10_000

const MAX_FRAMES = 40

/**
 * Where SIGUSR1 makes Node.js listen
 */
const INSPECTOR = 'http://127.0.0.1:9229/json/list'

/**
 * Says what a process and those that it has started wait for, and the stacks of the
 * one that is busiest. Reads /proc, so it is for Linux
 *
 * @param {number} root
 * @returns {Promise<string>}
 */
export async function whereItHangs (root) {
  const before = processTree(root)
  await sleep(MEASURED)
  const ticks = new Map(processTree(root).map(({ pid, ticks }) => [pid, ticks]))
  const seen = before.map(process => ({ ...process, used: ((ticks.get(process.pid) ?? process.ticks) - process.ticks) / MEASURED * 1_000 }))
  // the innermost one, if none is busy
  const [stuck] = seen.toReversed().sort((a, b) => b.used - a.used)
  const lines = seen.map(({ pid, state, used, waits, command }) => `${pid} ${state} ${used} % of a core, waits in "${waits}": ${command}`)

  if (stuck != null) {
    lines.push(`JavaScript of ${stuck.pid}:`, await scriptStack(stuck.pid).catch(err => `  ${err.message}`))
    lines.push(`Threads of ${stuck.pid}:`, nativeStacks(stuck.pid))
  }

  return lines.join('\n')
}

/**
 * A process and its descendants, parents first
 *
 * @param {number} root
 */
function processTree (root) {
  const all = readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(name => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf-8')
      // what precedes is the program's name, which may hold anything
      const [state, ppid, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')

      return [{
        pid: Number(name),
        ppid: Number(ppid),
        state,
        // hundredths of a second, in the program and in the kernel
        ticks: Number(fields[9]) + Number(fields[10]),
        waits: readFileSync(`/proc/${name}/wchan`, 'utf-8'),
        command: readFileSync(`/proc/${name}/cmdline`, 'utf-8').replaceAll('\0', ' ').slice(0, 120)
      }]
    } catch {
      // it has ended meanwhile
      return []
    }
  })
  const found = all.filter(({ pid }) => pid === root)

  for (const { pid } of found) {
    found.push(...all.filter(({ ppid }) => ppid === pid))
  }

  return found
}

/**
 * What a Node.js process runs, or nothing that it would tell: then it is not in
 * JavaScript
 *
 * @param {number} pid
 */
async function scriptStack (pid) {
  process.kill(pid, 'SIGUSR1')
  await sleep(MEASURED)
  const signal = AbortSignal.timeout(TIME_TO_ANSWER)
  const [{ webSocketDebuggerUrl }] = await (await fetch(INSPECTOR, { signal })).json()
  const socket = new WebSocket(webSocketDebuggerUrl)
  const urls = new Map()

  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => { reject(new Error('no answer, so it runs none')) })
      socket.addEventListener('error', () => { reject(new Error('no connection to its inspector')) })
      socket.addEventListener('open', () => {
        ['Debugger.enable', 'Debugger.pause'].forEach((method, id) => { socket.send(JSON.stringify({ id, method })) })
      })
      socket.addEventListener('message', ({ data }) => {
        const { method, params } = JSON.parse(data)

        if (method === 'Debugger.scriptParsed') {
          urls.set(params.scriptId, params.url)
        } else if (method === 'Debugger.paused') {
          resolve(params.callFrames.slice(0, MAX_FRAMES).map(({ functionName, location }) =>
            `  ${functionName} ${urls.get(location.scriptId)}:${location.lineNumber + 1}`).join('\n'))
        }
      })
    })
  } finally {
    socket.close()
  }
}

/**
 * @param {number} pid
 */
function nativeStacks (pid) {
  try {
    return execFileSync('gdb', ['-p', `${pid}`, '-batch', '-ex', 'thread apply all bt 12'], { encoding: 'utf-8', stdio: 'pipe', timeout: 120_000 })
      .split('\n').filter(line => /^(#|Thread)/.test(line)).map(line => `  ${line.slice(0, 160)}`).join('\n')
  } catch (err) {
    return `  gdb would tell: ${err.message}`
  }
}
