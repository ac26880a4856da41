/**
 * @typedef {import('../samples.js').Sample} Sample
 *
 * @typedef {object} Marks
 * @property {number | null} low - the low watermark
 * @property {number | null} high - the high watermark
 *
 * @typedef {object} Period
 * @property {number} from - when it begins, in ms since the epoch
 * @property {number} to - when it ends
 * @property {number} lowest - the lowest number of connections within it
 * @property {number} highest - the highest
 * @property {number} last - the number at its end
 */

/**
 * What the chart shows, for those who do not see it
 *
 * @param {readonly Sample[]} samples - oldest first
 * @param {Marks} marks - the watermarks
 */
export function describeSamples (samples, { low, high }) {
  const [all] = periodsOf(samples, 1)

  if (all == null) {
    return 'Nothing is known yet'
  }

  const span = Math.round((all.to - all.from) / 1_000)
  const time = span < 120 ? `${span} s` : `${Math.round(span / 60)} min`
  const marks = high == null ? 'no watermark' : `low watermark ${low}, high watermark ${high}`

  return `${all.last} connections now, from ${all.lowest} to ${all.highest} in the last ${time}; ${marks}`
}

/**
 * The samples in periods of the same length
 *
 * @param {readonly Sample[]} samples - oldest first
 * @param {number} max - how many periods there may be
 * @returns {Period[]} oldest first
 */
export function periodsOf (samples, max) {
  const size = Math.ceil(samples.length / max)

  return Array.from({ length: size === 0 ? 0 : Math.ceil(samples.length / size) }, (_, i) => periodOf(samples.slice(i * size, (i + 1) * size)))
}

/**
 * @param {readonly Sample[]} samples - at least one
 * @returns {Period}
 */
function periodOf (samples) {
  const numbers = samples.map(({ connections }) => connections)

  return {
    from: samples[0].time,
    to: samples[samples.length - 1].time,
    lowest: Math.min(...numbers),
    highest: Math.max(...numbers),
    last: numbers[numbers.length - 1]
  }
}
