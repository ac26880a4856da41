import type { CalculatedMetricOptions, CounterGroup, HistogramGroup, MetricGroup, Metrics } from '@libp2p/interface'

type Values = Record<string, number>
type Options = Partial<CalculatedMetricOptions<Values | number>>

/**
 * The key of a metric that has no label
 */
const NO_LABEL = 'value'

/**
 * Metrics that can be read. Like those of libp2p's implementations, a group that is
 * registered twice is the same one.
 */
export class RecordedMetrics {
  /**
   * What was observed by histograms, by metric and key
   */
  readonly observed = new Map<string, Record<string, number[]>>()
  private readonly counters = new Map<string, Values>()
  private readonly calculated = new Map<string, () => unknown>()

  /**
   * Which were registered
   */
  get names (): string[] {
    return [...this.counters.keys(), ...this.calculated.keys(), ...this.observed.keys()]
  }

  /**
   * The values of a group
   */
  async read (name: string): Promise<Values | undefined> {
    const values = await this.calculated.get(name)?.() ?? this.counters.get(name)

    return typeof values === 'number' ? { [NO_LABEL]: values } : values as Values | undefined
  }

  /**
   * The value of a metric that has no label
   */
  async readValue (name: string): Promise<number | undefined> {
    return (await this.read(name))?.[NO_LABEL]
  }

  asMetrics (): Metrics {
    const group = (name: string, options: Options = {}): CounterGroup & MetricGroup => this.register(name, options)
    const single = (name: string, options: Options = {}): object => {
      const group = this.register(name, options)

      return {
        increment: (value = 1) => { group.increment({ [NO_LABEL]: value }) },
        update: (value: number) => { group.update({ [NO_LABEL]: value }) }
      }
    }
    const histogramGroup = (name: string): Pick<HistogramGroup, 'observe'> => this.histogram(name)
    const histogram = (name: string): object => {
      const group = this.histogram(name)

      return { observe: (value: number) => { group.observe({ [NO_LABEL]: value }) } }
    }

    // these are all that is registered
    return {
      registerCounter: single,
      registerCounterGroup: group,
      registerHistogram: histogram,
      registerHistogramGroup: histogramGroup,
      registerMetric: single,
      registerMetricGroup: group
    } as unknown as Metrics
  }

  private histogram (name: string): Pick<HistogramGroup, 'observe'> {
    const observed: Record<string, number[]> = {}
    this.observed.set(name, observed)

    return {
      observe: values => {
        for (const [key, value] of Object.entries(values)) {
          observed[key] = [...observed[key] ?? [], Number(value)]
        }
      }
    }
  }

  private register (name: string, { calculate }: Options): CounterGroup & MetricGroup {
    if (calculate != null) {
      this.calculated.set(name, calculate)
    }

    const values = this.counters.get(name) ?? {}

    if (calculate == null) {
      this.counters.set(name, values)
    }

    const add = (sign: number) => (changes: Partial<Record<string, number | unknown>>): void => {
      for (const [key, change] of Object.entries(changes)) {
        values[key] = (values[key] ?? 0) + sign * Number(change)
      }
    }

    return {
      increment: add(1),
      decrement: add(-1),
      update: changes => { Object.assign(values, changes) },
      reset: () => {},
      timer: () => () => {}
    }
  }
}
