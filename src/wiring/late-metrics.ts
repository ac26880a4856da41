import { GracePeriod } from '../trimming/index.ts'
import type { RegisterMetricsComponents } from './register-metrics.ts'
import type { Metrics } from '@libp2p/interface'

export interface LateMetricsComponents extends Omit<RegisterMetricsComponents, 'metrics' | 'graceAt'> {
  metrics?: Metrics
}

/**
 * Returns a function that registers the metrics the first time that it is called. What
 * that takes is fetched by then, and only where something is measured. Where nothing is,
 * nothing is listened to.
 */
export function lateMetrics ({ metrics, ...components }: LateMetricsComponents, gracePeriod: number): () => Promise<void> {
  let isRegistered = false

  return async () => {
    if (metrics == null || isRegistered) {
      return
    }

    const { registerMetrics } = await import('./register-metrics.ts')

    if (!isRegistered) {
      isRegistered = true
      registerMetrics({ ...components, metrics, graceAt: now => new GracePeriod(gracePeriod, now) })
    }
  }
}
