import { expect } from 'aegir/chai'
import { lineChart } from '../../simulate/plot/line-chart.ts'
import type { LineChart } from '../../simulate/plot/line-chart.ts'

const CHART: LineChart = {
  title: 'Fish & <chips>',
  xLabel: 'size',
  xTicks: [1, 10, 100],
  yMax: 2,
  yTicks: [0, 1, 2],
  formatY: value => `${value} m`,
  hasNever: true,
  panels: [{ title: 'one', series: [{ name: 'a', points: [{ x: 1, y: 0 }, { x: 10, y: 2 }, { x: 100, y: null }] }] }]
}

function pointsOf (svg: string): number[][] {
  const points = /points="([^"]*)"/.exec(svg)?.[1] ?? ''

  return points.split(' ').map(point => point.split(',').map(Number))
}

describe('simulate/plot/line-chart', () => {
  it('is well-formed, whatever the texts are', () => {
    const svg = lineChart(CHART)

    expect(svg).to.include('<title>Fish &amp; &lt;chips&gt;</title>')
    expect(svg.match(/<text/g)?.length).to.equal(svg.match(/<\/text>/g)?.length)
    expect(svg).to.not.match(/NaN|undefined|Infinity/)
  })

  it('x is logarithmic, larger values are higher, and never is highest', () => {
    const [[x1, y1], [x2, y2], [x3, y3]] = pointsOf(lineChart(CHART))

    expect(x2 - x1).to.be.closeTo(x3 - x2, 0.2)
    expect(y1).to.be.greaterThan(y2)
    expect(y2).to.be.greaterThan(y3)
  })

  it('where all is finite there is no place for never', () => {
    const series = [{ name: 'a', points: [{ x: 1, y: 0 }, { x: 100, y: 2 }] }]

    expect(lineChart({ ...CHART, hasNever: false, panels: [{ title: 'one', series }] })).to.not.include('never')
    expect(lineChart(CHART)).to.include('>never<')
  })

  it('the same figures give the same bytes', () => {
    expect(lineChart(CHART)).to.equal(lineChart({ ...CHART }))
  })
})
