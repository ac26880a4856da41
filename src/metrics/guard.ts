import type { Logger, Metrics } from '@libp2p/interface'

/**
 * Metrics that cannot harm whoever measures: what the implementation throws is
 * logged, and then there is one figure less. What is calculated when somebody asks for
 * it may fail as well, and does not keep the other figures from being told.
 *
 * Returns `undefined` where nothing is measured.
 */
export function guardMetrics (metrics: Metrics | undefined, log: Logger): Metrics | undefined {
  return metrics == null ? undefined : new Proxy(metrics, new MetricsGuard(log))
}

/**
 * The components with metrics that cannot do harm, everything else as it is
 */
export function withGuardedMetrics <T extends { metrics?: Metrics }> (components: T, log: Logger): T {
  return Object.create(components, { metrics: { value: guardMetrics(components.metrics, log) } })
}

class MetricsGuard implements ProxyHandler<Metrics> {
  readonly #log: Logger

  /**
   * What has failed before, so that each failure is logged once
   */
  readonly #failed = new Set<string>()

  constructor (log: Logger) {
    this.#log = log
  }

  get (metrics: Metrics, property: string | symbol): unknown {
    const value: unknown = Reflect.get(metrics, property)

    if (typeof value !== 'function') {
      return value
    }

    return typeof property === 'string' && property.startsWith('register')
      ? (name: string, options: object = {}) => this.#register(metrics, value, property, name, options)
      : value.bind(metrics)
  }

  #register (metrics: Metrics, register: Function, method: string, name: string, options: object): object {
    const metric: unknown = this.#attempt(name, () => Reflect.apply(register, metrics, [name, this.#guardCalculation(name, method, options)]))

    return new Proxy(typeof metric === 'object' && metric != null ? metric : {}, {
      get: (metric, property) => {
        const value: unknown = Reflect.get(metric, property)

        return (...args: unknown[]): unknown => {
          const result = typeof value === 'function' ? this.#attempt(name, () => Reflect.apply(value, metric, args)) : undefined

          return property === 'timer' ? () => this.#stop(name, result) : result
        }
      }
    })
  }

  #stop (name: string, stop: unknown): void {
    if (typeof stop === 'function') {
      this.#attempt(name, () => Reflect.apply(stop, undefined, []))
    }
  }

  /**
   * One calculation that fails would fail the whole of what is asked for
   */
  #guardCalculation (name: string, method: string, options: object): object {
    const calculate: unknown = Reflect.get(options, 'calculate')
    const nothing = method.endsWith('Group') ? {} : 0

    if (typeof calculate !== 'function') {
      return options
    }

    return {
      ...options,
      calculate: () => {
        const figures: unknown = this.#attempt(name, () => Reflect.apply(calculate, undefined, [])) ?? nothing

        return figures instanceof Promise
          ? figures.catch((err: unknown) => {
            this.#onFailure(name, err)

            return nothing
          })
          : figures
      }
    }
  }

  #attempt <T> (name: string, task: () => T): T | undefined {
    try {
      return task()
    } catch (err) {
      this.#onFailure(name, err)
    }
  }

  #onFailure (name: string, err: unknown): void {
    if (!this.#failed.has(name)) {
      this.#failed.add(name)
      this.#log.error('the metric %s failed - %e', name, err)
    }
  }
}
