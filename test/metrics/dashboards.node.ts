import { readFile } from 'node:fs/promises'
import { identify } from '@libp2p/identify'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { parser } from '@prometheus-io/lezer-promql'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { parse } from 'yaml'
import { reachability } from '../../src/reachability/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode } from '../fixtures/nodes.ts'
import type { SyntaxNodeRef } from '@lezer/common'

const DASHBOARD = new URL('../../dashboards/grafana.json', import.meta.url)
const README = new URL('../../dashboards/README.md', import.meta.url)
const ALERTS = new URL('../../dashboards/alerts.yml', import.meta.url)

/**
 * Labels that Prometheus adds
 */
const SCRAPED_LABELS = ['instance', 'job', 'le']

interface Panel {
  title: string
  type: string
  gridPos: { x: number, y: number, w: number, h: number }
  targets?: Array<{ expr: string, legendFormat: string }>
}

interface Rule {
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

/**
 * What a query asks for
 */
interface Query {
  /**
   * Where it stands
   */
  name: string
  expr: string
}

interface Selector {
  metric: string
  labels: string[]
}

/**
 * The selectors of a query
 *
 * @throws {Error} if it is no query
 */
function selectorsOf (expr: string): Selector[] {
  const selectors: Selector[] = []

  parser.parse(expr).iterate({
    enter: (node: SyntaxNodeRef) => {
      const text = expr.slice(node.from, node.to)

      if (node.type.isError) {
        throw new Error(`no PromQL at ${node.from}: ${expr}`)
      }

      if (node.name === 'Identifier') {
        selectors.push({ metric: text, labels: [] })
      } else if (node.name === 'LabelName' && node.node.parent?.name === 'UnquotedLabelMatcher') {
        selectors.at(-1)?.labels.push(text)
      }
    }
  })

  return selectors
}

/**
 * What Grafana puts in before it asks
 */
function filledIn (expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')
}

async function readDashboard (): Promise<{ panels: Panel[], templating: { list: Array<{ name: string, definition?: string }> } }> {
  return JSON.parse(await readFile(DASHBOARD, 'utf-8'))
}

async function readRules (): Promise<Rule[]> {
  const { groups } = parse(await readFile(ALERTS, 'utf-8')) as { groups: Array<{ rules: Rule[] }> }

  return groups.flatMap(({ rules }) => rules)
}

describe('dashboards', () => {
  const nodes = new NodeGroup()

  /**
   * The labels of what a node exports, by metric
   */
  const exported = new Map<string, string[]>()
  let queries: Query[]

  before(async () => {
    const registry = new Registry()
    await nodes.add(createManagedNode({}, {
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      services: { identify: identify(), reachability: reachability({ mapping: { enabled: false } }) }
    }))

    // what was never counted has no figures, but is there
    for (const { name, type } of await registry.getMetricsAsJSON()) {
      // the types do not have it
      const labelNames: string[] = Reflect.get(registry.getSingleMetric(name) ?? {}, 'labelNames') ?? []
      const names = `${type}` === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
      names.forEach(exportedName => exported.set(exportedName, labelNames))
    }

    const { panels } = await readDashboard()
    queries = [
      ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ name: title, expr: filledIn(expr) }))),
      ...(await readRules()).map(({ alert, expr }) => ({ name: alert, expr }))
    ]
  })

  after(async () => nodes.stop())

  it('have queries that can be parsed', () => {
    expect(queries.length).to.be.greaterThan(50)

    for (const { name, expr } of queries) {
      expect(selectorsOf(expr), name).to.not.be.empty()
    }
  })

  it('find what cannot be parsed', () => {
    expect(() => selectorsOf('sum by (a (rate(b[5m]))')).to.throw('no PromQL')
  })

  it('ask for nothing that a running node does not export', () => {
    const missing = queries.flatMap(({ name, expr }) => selectorsOf(expr).filter(({ metric }) => !exported.has(metric)).map(({ metric }) => `${metric} (${name})`))

    expect(missing).to.deep.equal([])
  })

  it('select by labels that there are', () => {
    for (const { name, expr } of queries) {
      for (const { metric, labels } of selectorsOf(expr)) {
        expect([...exported.get(metric) ?? [], ...SCRAPED_LABELS], `${metric} in ${name}`).to.include.members(labels)
      }
    }
  })

  it('show everything that is exported under our names', () => {
    const asked = new Set(queries.flatMap(({ expr }) => selectorsOf(expr).map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, ''))))
    const ours = [...exported.keys()].map(name => name.replace(/_(bucket|sum|count)$/, '')).filter(name => /^libp2p_(connmgr|rcmgr|nat)_/.test(name))

    expect([...new Set(ours)].filter(name => !asked.has(name))).to.deep.equal([
      // the sum of both directions is shown against its limit
      'libp2p_rcmgr_streams_inbound',
      'libp2p_rcmgr_streams_inbound_limit',
      'libp2p_rcmgr_streams_outbound',
      'libp2p_rcmgr_streams_outbound_limit'
    ])
  })

  it('have a page on which everything is listed that is exported under our names', async () => {
    const page = await readFile(README, 'utf-8')
    const ours = [...exported.keys()].map(name => name.replace(/_(bucket|sum|count)$/, '')).filter(name => /^libp2p_(connmgr|nat)_/.test(name))

    expect([...new Set(ours)].filter(name => !page.includes(`\`${name}\``))).to.deep.equal([])
  })

  it('have panels with a name each, that do not cover each other', async () => {
    const { panels } = await readDashboard()
    const titles = panels.map(({ title }) => title)
    expect(new Set(titles).size).to.equal(titles.length)

    for (const [i, a] of panels.entries()) {
      for (const b of panels.slice(i + 1)) {
        const isApart = a.gridPos.x + a.gridPos.w <= b.gridPos.x || b.gridPos.x + b.gridPos.w <= a.gridPos.x ||
          a.gridPos.y + a.gridPos.h <= b.gridPos.y || b.gridPos.y + b.gridPos.h <= a.gridPos.y

        expect(isApart, `${a.title} and ${b.title}`).to.equal(true)
      }
    }
  })

  it('draw the limits where there are some', async () => {
    const { panels } = await readDashboard()
    const withLimits = panels.filter(({ targets = [] }) => targets.some(({ expr }) => /_limit|_watermarks|_reserved/.test(expr)))

    expect(withLimits.length).to.be.greaterThan(8)
  })

  it('have alerts with a name, a severity and a sentence each', async () => {
    const rules = await readRules()
    expect(new Set(rules.map(({ alert }) => alert)).size).to.equal(rules.length)

    for (const { alert, annotations, for: duration = '1m', labels } of rules) {
      expect(labels.severity, alert).to.be.oneOf(['info', 'warning', 'critical'])
      expect(annotations.summary, alert).to.include('$labels.')
      expect(duration, alert).to.match(/^\d+[smhd]$/)
    }
  })
})
