import { describeSamples, periodsOf } from './chart-text.js'
import { byId, create, setText, table } from './dom.js'
import { clock } from './format.js'
import Plot from './uplot.js'

/**
 * @typedef {import('./chart-text.js').Sample} Sample
 * @typedef {import('./chart-text.js').Marks} Marks
 */

/** In ms: what is shown at least */
const MIN_SPAN = 60_000

/** In px */
const HEIGHT = 220
const TIME_LABEL_SPACE = 96
const LINE_SPACE = 34

/** What there can be of connections between two lines of the grid */
const STEPS = [1, 2, 5].flatMap(factor => [1, 10, 100, 1_000, 10_000].map(power => factor * power)).sort((a, b) => a - b)

/** Rows of the table that says the same as the chart */
const MAX_PERIODS = 12

/**
 * The number of connections over time between the watermarks: as a line, in a sentence,
 * and in a table
 */
export class Chart {
  constructor () {
    this.element = byId('chart')
    this.details = /** @type {HTMLDetailsElement} */ (byId('chart-table'))
    /** @type {Sample[]} */
    this.samples = []
    /** @type {Marks} */
    this.marks = { low: null, high: null }
    /** @type {number | undefined} the time that was chosen with the keyboard */
    this.chosen = undefined
    this.plot = this.create()

    new ResizeObserver(() => { this.plot.setSize({ width: this.element.clientWidth, height: HEIGHT }) }).observe(this.element)
    this.element.addEventListener('keydown', event => { this.onKey(event) })
    this.element.addEventListener('blur', () => { this.choose(undefined) })
    this.details.addEventListener('toggle', () => { this.fillTable() })
  }

  create () {
    const axis = { stroke: colourOf('axis'), grid: { stroke: colourOf('grid'), width: 1 }, ticks: { show: false } }
    const mark = { dash: [6, 4], width: 1.5, points: { show: false } }

    return new Plot({
      width: this.element.clientWidth,
      height: HEIGHT,
      ms: 1,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { range: (_plot, first, last) => [first, Math.max(last, first + MIN_SPAN)] },
        y: { range: (_plot, _lowest, highest) => [0, Math.max(4, highest * 1.08)] }
      },
      axes: [
        { ...axis, space: TIME_LABEL_SPACE, size: 28, values: (_plot, times) => times.map(clock) },
        { ...axis, space: LINE_SPACE, incrs: STEPS, size: 50, values: (_plot, counts) => counts.map(String) }
      ],
      series: [
        {},
        { stroke: colourOf('connections'), fill: colourOf('area'), width: 2, points: { show: false } },
        { ...mark, stroke: colourOf('high') },
        { ...mark, stroke: colourOf('low') }
      ],
      hooks: {
        setCursor: [({ cursor: { idx } }) => { this.tell(idx == null ? undefined : this.samples[idx]) }]
      }
    }, [[], [], [], []], this.element)
  }

  /**
   * @param {Sample[]} samples - oldest first
   * @param {Marks} marks - the watermarks
   */
  show (samples, marks) {
    this.samples = samples
    this.marks = marks

    this.plot.setData([
      samples.map(({ time }) => time),
      samples.map(({ connections }) => connections),
      samples.map(() => marks.high),
      samples.map(() => marks.low)
    ])
    this.pointAtChosen()

    setText(byId('chart-summary'), describeSamples(samples, marks))
    setText(byId('legend-high'), `${marks.high ?? 'none'}`)
    setText(byId('legend-low'), `${marks.low ?? 'none'}`)
  }

  /**
   * @param {KeyboardEvent} event - the arrows move from sample to sample
   */
  onKey (event) {
    const last = this.samples.length - 1
    const step = Math.max(1, Math.round(last / 60))
    const moves = new Map([['ArrowLeft', -step], ['ArrowRight', step], ['Home', -Infinity], ['End', Infinity]])
    const move = moves.get(event.key)

    if (event.key === 'Escape') {
      this.choose(undefined)
    } else if (move != null && last >= 0) {
      const from = this.chosen == null ? last : this.plot.valToIdx(this.chosen)
      event.preventDefault()
      this.choose(this.samples[Math.min(last, Math.max(0, from + move))].time)
    }
  }

  /**
   * @param {number | undefined} time - of the sample to tell
   */
  choose (time) {
    this.chosen = time

    if (time == null) {
      this.plot.setCursor({ left: -10, top: -10 })
    } else {
      this.pointAtChosen()
    }
  }

  /**
   * The line moves on, and what was chosen with it
   */
  pointAtChosen () {
    if (this.chosen != null) {
      this.plot.setCursor({ left: this.plot.valToPos(this.chosen, 'x'), top: 0 })
    }
  }

  /**
   * @param {Sample | undefined} sample - what the pointer or the keyboard is at
   */
  tell (sample) {
    setText(byId('chart-cursor'), sample == null ? '' : `${sample.connections} connections at ${clock(sample.time)}`)
  }

  /**
   * It stays as it is while somebody reads it
   */
  fillTable () {
    const rows = periodsOf(this.samples, MAX_PERIODS).map(({ from, to, lowest, highest, last }) => [`${clock(from)} – ${clock(to)}`, `${lowest}`, `${highest}`, `${last}`])
    const summary = this.details.firstElementChild

    if (this.details.open && summary != null) {
      this.details.replaceChildren(summary, create('p', byId('chart-summary').textContent), table(['Time', 'Lowest', 'Highest', 'In the end'], rows, 'Nothing is known yet'))
    }
  }
}

/**
 * The colour of what is drawn. It changes with the theme, so it is asked for each time
 * something is drawn.
 *
 * @param {string} name - as in style.css
 */
function colourOf (name) {
  return () => getComputedStyle(byId(`colour-${name}`)).backgroundColor
}
