import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { withGuardedMetrics } from '../../src/metrics/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { RecordedMetrics } from './recorded-metrics.ts'
import type { CalculatedMetricOptions, Logger, Metrics } from '@libp2p/interface'

const log = defaultLogger().forComponent('libp2p:connmgr:test')

/**
 * Metrics of which everything fails, now or when it is used
 */
function brokenMetrics (when: 'now' | 'later'): Metrics {
  const fail = (): never => { throw new Error('The metrics are broken') }
  const metric = { increment: fail, decrement: fail, update: fail, observe: fail, reset: fail, timer: fail }
  const register = when === 'now' ? fail : () => metric

  return {
    registerCounter: register,
    registerCounterGroup: register,
    registerHistogram: register,
    registerHistogramGroup: register,
    registerMetric: register,
    registerMetricGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    trackMultiaddrConnection: () => {},
    trackProtocolStream: () => {},
    createTrace: () => {},
    traceFunction: (_name: string, fn: object) => fn
  } as unknown as Metrics
}

function guard (metrics: Metrics | undefined, logger: Logger = log): Metrics | undefined {
  return withGuardedMetrics({ metrics }, logger).metrics
}

describe('metrics/guard', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  it('passes on what does not fail', async () => {
    const recorded = new RecordedMetrics()
    const metrics = guard(recorded.asMetrics())
    metrics?.registerCounterGroup('counted').increment({ a: 1, b: 2 })
    metrics?.registerMetricGroup('calculated', { calculate: () => ({ c: 3 }) })
    metrics?.registerHistogram('observed').observe(4)

    expect(await recorded.read('counted')).to.deep.equal({ a: 1, b: 2 })
    expect(await recorded.read('calculated')).to.deep.equal({ c: 3 })
    expect(recorded.observed.get('observed')).to.deep.equal({ value: [4] })
  })

  it('leaves the other components as they are', () => {
    const components = { metrics: undefined, other: { name: 'other' } }
    const guarded = withGuardedMetrics(components, log)

    expect(guarded.other).to.equal(components.other)
    expect(guarded.metrics).to.equal(undefined)
  })

  it('makes nothing of metrics that cannot be registered', () => {
    const metrics = guard(brokenMetrics('now'))

    metrics?.registerCounter('a').increment()
    metrics?.registerHistogramGroup('b').observe({ c: 1 })
    metrics?.registerMetric('d').timer()()
  })

  it('makes nothing of metrics that fail later', () => {
    const metrics = guard(brokenMetrics('later'))

    metrics?.registerCounter('a').increment()
    metrics?.registerMetricGroup('b').update({ c: 1 })
    metrics?.registerSummary('d').timer()()
  })

  it('shows nothing where a calculation fails, so that all other figures can be shown', async () => {
    const calculations: Array<CalculatedMetricOptions<unknown>> = []
    const register = (_name: string, options: CalculatedMetricOptions<unknown>): void => { calculations.push(options) }
    const metrics = guard({ registerMetric: register, registerMetricGroup: register } as unknown as Metrics)
    metrics?.registerMetricGroup('a', { calculate: () => { throw new Error('Not now') } })
    metrics?.registerMetric('b', { calculate: async () => Promise.reject(new Error('Not now')) })

    expect(await Promise.all(calculations.map(({ calculate }) => calculate()))).to.deep.equal([{}, 0])
  })

  it('tells of each failure once', () => {
    const errors: unknown[] = []
    const metrics = guard(brokenMetrics('later'), Object.assign(() => {}, log, { error: (...args: unknown[]) => { errors.push(args[1]) } }))
    const counter = metrics?.registerCounter('a')
    counter?.increment()
    counter?.increment()
    metrics?.registerCounter('b').increment()

    expect(errors).to.deep.equal(['a', 'b'])
  })

  for (const when of ['now', 'later'] as const) {
    it(`keeps a node going whose metrics fail ${when === 'now' ? 'when they are registered' : 'when they are used'}`, async () => {
      // libp2p's own parts are not guarded
      const metrics = brokenMetrics(when)
      const isOurs = (name: string): boolean => name.startsWith('libp2p_connmgr') || name.startsWith('libp2p_rcmgr')
      const harmless = new RecordedMetrics().asMetrics()
      const mixed = new Proxy(metrics, {
        get: (target, property) => typeof property === 'string' && property.startsWith('register')
          ? (name: string, options: object) => {
              const register: unknown = Reflect.get(isOurs(name) ? target : harmless, property)

              return typeof register === 'function' ? register(name, options) : { update: () => {}, increment: () => {}, observe: () => {} }
            }
          : Reflect.get(target, property)
      })
      const node = await nodes.add(createManagedNode({ gracePeriod: 0 }, { metrics: () => mixed }))
      const remote = await nodes.add(createPlainNode())
      const connection = await node.dial(remote.getMultiaddrs())
      await node.services.connectionManager.trimConnections(1)

      expect(connection.status).to.equal('closed')
    })
  }
})
