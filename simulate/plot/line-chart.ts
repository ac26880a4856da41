/**
 * A line of a chart. `null` for y stands for never, which is above all numbers.
 */
export interface Series {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly x: number, readonly y: number | null }>
}

export interface Panel {
  readonly title: string
  readonly series: readonly Series[]
}

export interface LineChart {
  readonly title: string
  readonly xLabel: string

  /**
   * The values on the x axis, which is logarithmic
   */
  readonly xTicks: readonly number[]
  readonly yMax: number
  readonly yTicks: readonly number[]
  formatY(value: number): string
  readonly hasNever: boolean

  /**
   * Side by side, all with the same axes
   */
  readonly panels: readonly Panel[]
}

const PANEL = { width: 210, height: 170, gap: 22 }
const MARGIN = { left: 64, right: 18, top: 74, bottom: 52 }

/**
 * Above the largest number, for never
 */
const NEVER_HEIGHT = 26

/**
 * By the order of the series. Each has a shape of its own as well, for those who do
 * not see the difference between the colours (Okabe and Ito).
 */
const LIGHT = ['#0072b2', '#d55e00', '#00795c', '#6f6f6f']
const DARK = ['#56b4e9', '#ff9e4a', '#2fd6a6', '#b5b5b5']
const DASHES = ['', '7 3', '2 3', '9 3 2 3']

/**
 * A chart as SVG that can be read on light and dark ground
 */
export function lineChart (chart: LineChart): string {
  const { panels } = chart
  const width = MARGIN.left + panels.length * PANEL.width + (panels.length - 1) * PANEL.gap + MARGIN.right
  const height = MARGIN.top + PANEL.height + MARGIN.bottom

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(chart.title)}</title>`,
    style(),
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    `<text class="title" x="16" y="24">${escape(chart.title)}</text>`,
    ...legend(panels[0]?.series ?? []),
    ...panels.flatMap((panel, i) => drawPanel(chart, panel, MARGIN.left + i * (PANEL.width + PANEL.gap), i === 0)),
    `<text class="label" x="${width / 2}" y="${height - 12}" text-anchor="middle">${escape(chart.xLabel)}</text>`,
    '</svg>',
    ''
  ].join('\n')
}

function style (): string {
  const lines = (colours: readonly string[]): string => colours.map((colour, i) => `.s${i} { stroke: ${colour} } .m${i} { fill: ${colour}; stroke: ${colour} }`).join(' ')

  return `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 14px; font-weight: 600 } .label { fill: #59636e }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0; stroke-width: 1 } .axis { stroke: #818b98; stroke-width: 1; fill: none }
.line { fill: none; stroke-width: 2; stroke-linejoin: round } ${lines(LIGHT)}
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .label { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #2b323b } .axis { stroke: #656c76 } ${lines(DARK)} }
</style>`
}

function legend (series: readonly Series[]): string[] {
  return series.flatMap(({ name }, i) => {
    const x = 16 + i * 110

    return [
      `<line class="line s${i}" stroke-dasharray="${DASHES[i]}" x1="${x}" y1="42" x2="${x + 28}" y2="42"/>`,
      marker(i, x + 14, 42),
      `<text x="${x + 34}" y="46">${escape(name)}</text>`
    ]
  })
}

function drawPanel (chart: LineChart, panel: Panel, left: number, hasLabels: boolean): string[] {
  const { xTicks, yTicks, yMax, hasNever, formatY } = chart
  const top = MARGIN.top + (hasNever ? NEVER_HEIGHT : 0)
  const bottom = MARGIN.top + PANEL.height
  const [first, last] = [Math.log(xTicks[0]), Math.log(xTicks[xTicks.length - 1])]
  const x = (value: number): number => round(left + 14 + (PANEL.width - 28) * (Math.log(value) - first) / (last - first))
  const y = (value: number | null): number => value == null ? MARGIN.top + 8 : round(bottom - (bottom - top) * value / yMax)
  const heights = [...yTicks.map(tick => ({ at: y(tick), text: formatY(tick) })), ...(hasNever ? [{ at: y(null), text: 'never' }] : [])]

  return [
    `<text class="label" x="${left + PANEL.width / 2}" y="${MARGIN.top - 10}" text-anchor="middle">${escape(panel.title)}</text>`,
    ...heights.flatMap(({ at, text }) => [
      `<line class="grid" x1="${left}" y1="${at}" x2="${left + PANEL.width}" y2="${at}"/>`,
      ...(hasLabels ? [`<text class="label" x="${left - 8}" y="${at + 4}" text-anchor="end">${escape(text)}</text>`] : [])
    ]),
    `<path class="axis" d="M${left} ${MARGIN.top}V${bottom}H${left + PANEL.width}"/>`,
    ...xTicks.map(tick => `<text class="label" x="${x(tick)}" y="${bottom + 17}" text-anchor="middle">${escape(tick.toLocaleString('en'))}</text>`),
    // the first one is drawn last, above the others
    ...panel.series.map(({ points }, i) => [
      `<polyline class="line s${i}" stroke-dasharray="${DASHES[i]}" points="${points.map(point => `${x(point.x)},${y(point.y)}`).join(' ')}"/>`,
      ...points.map(point => marker(i, x(point.x), y(point.y)))
    ]).reverse().flat()
  ]
}

/**
 * A circle, a square, a triangle, a diamond
 */
function marker (series: number, x: number, y: number): string {
  switch (series) {
    case 0:
      return `<circle class="m0" cx="${x}" cy="${y}" r="4"/>`
    case 1:
      return `<rect class="m1" x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"/>`
    case 2:
      return `<path class="m2" d="M${x} ${y - 4.5}L${x + 4.5} ${y + 3.5}H${x - 4.5}Z"/>`
    default:
      return `<path class="m3" d="M${x} ${y - 4.5}L${x + 4.5} ${y}L${x} ${y + 4.5}L${x - 4.5} ${y}Z"/>`
  }
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
