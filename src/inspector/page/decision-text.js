import { duration, moment, shortId, words } from './format.js'

/** What says something even if it is nothing */
const ALWAYS_TOLD = ['value', 'streams', 'current', 'limit', 'closed']

/** What can be told without its name */
const SELF_EXPLANATORY = ['direction', 'error', 'message', 'target']

/**
 * Numbers that need a sentence of their own
 *
 * @type {Map<string, (value: number) => string>}
 */
const SENTENCES = new Map([
  ['age', age => `open for ${duration(age)}`],
  ['duration', ms => `after ${ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms)}`],
  ['expires', time => `until ${moment(time, Date.now())}`]
])

/**
 * What a decision was based on, in words. What is not so, and of what there is none, is
 * left out.
 *
 * @param {Readonly<Record<string, string | number | boolean | undefined>>} details - of a decision
 */
export function factsOf (details) {
  return Object.entries(details).flatMap(facts).join(', ')
}

/**
 * Why it was decided, in words
 *
 * @param {string} kind - of the decision
 * @param {string} reason - of the decision
 */
export function reasonOf (kind, reason) {
  return kind === 'resource' ? words(reason) : reason
}

/**
 * @param {[name: string, value: string | number | boolean | undefined]} detail - of a decision
 * @returns {string[]}
 */
function facts ([name, value]) {
  if (typeof value === 'boolean') {
    // of what is complete there is nothing to say
    return name === 'complete' ? factOf(!value, 'not as many as wanted') : factOf(value, words(name))
  }

  if (value === 0 && !ALWAYS_TOLD.includes(name)) {
    return []
  }

  if (name === 'scope') {
    return [`scope ${shortScope(`${value}`)}`]
  }

  const tell = SENTENCES.get(name)

  return [tell == null || typeof value !== 'number' ? `${SELF_EXPLANATORY.includes(name) ? '' : `${words(name)} `}${value}` : tell(value)]
}

/**
 * @param {boolean} isSo - whether it is so
 * @param {string} text - what is said then
 */
function factOf (isSo, text) {
  return isSo ? [text] : []
}

/**
 * @param {string} scope - the name of a scope, perhaps with the id of a peer
 */
function shortScope (scope) {
  return scope.replace(/peer:(\w+)/, (_, id) => `peer:${shortId(id)}`)
}
