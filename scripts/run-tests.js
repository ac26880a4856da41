/* eslint-disable no-console */

/**
 * Runs the tests, and ends when they have: a process that does not end by itself after
 * the last test is ended, with the result that the tests had, and where it hangs is
 * printed
 */
import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { whereItHangs } from './where-it-hangs.js'

/**
 * How long the process may go on after the last test. In ms
 */
const TIME_TO_END = Number(process.env.TIME_TO_END ?? 90_000)

/**
 * How long what was printed last may take to arrive. In ms
 */
const TIME_TO_DRAIN = 1_000

/**
 * The lines that say how many tests have passed or failed are shorter
 */
const MAX_LINE = 200

// a group of its own, so that all of it can be ended
const tests = spawn('aegir', ['test', '-t', 'node', ...process.argv.slice(2)], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
let rest = ''
let failed = false
let timer

tests.stdout.on('data', data => {
  process.stdout.write(data)
  // a line may come in two pieces
  const output = `${rest}${data}`
  const text = stripVTControlCharacters(output)
  rest = output.slice(-MAX_LINE)
  failed ||= /^\s*\d+ failing\b/m.test(text)

  if (/^\s*\d+ passing\b/m.test(text)) {
    timer ??= setTimeout(() => { void endHanging() }, TIME_TO_END)
  }
})
tests.stderr.on('data', data => { process.stderr.write(data) })
tests.on('error', err => { throw err })
tests.on('exit', code => {
  const exit = () => { process.exit(code ?? 1) }

  tests.on('close', exit)
  // what a test has left running may hold the other ends of the pipes
  setTimeout(exit, TIME_TO_DRAIN)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end()
    process.exit(1)
  })
}

async function endHanging () {
  console.error(`The tests have ended, but their process has not, ${TIME_TO_END / 1_000} s later:`)
  console.error(await whereItHangs(tests.pid).catch(err => err.stack))
  tests.removeAllListeners('exit')
  end()
  process.exit(failed ? 1 : 0)
}

function end () {
  try {
    process.kill(-tests.pid, 'SIGKILL')
  } catch {
    // there is nothing left
  }
}
