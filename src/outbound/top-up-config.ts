import { withDefaults } from '../options.ts'
import { coreRetryChance } from './retry-chance.ts'
import type { ChurnInit } from './churn-options.ts'
import type { DialRateInit } from './dial-rate.ts'
import type { FeelersInit } from './feelers-options.ts'
import type { TopUpInit } from './top-up-options.ts'

/**
 * The options with their defaults
 */
export interface TopUpConfig extends Required<Omit<TopUpInit, 'rate' | 'churn' | 'feelers'>> {
  rate: DialRateInit
  churn: Required<ChurnInit> | false
  feelers: Required<FeelersInit> | false
}

const RATE_DEFAULTS: DialRateInit = { perSecond: 10, burst: 10 }

/**
 * Geth's numbers
 */
export const CHURN_DEFAULTS: Required<ChurnInit> = {
  interval: [180_000, 420_000],
  minAge: 600_000,
  protectFraction: 0.1,
  fraction: 0
}

/**
 * The interval is Bitcoin Core's
 */
const FEELERS_DEFAULTS: Required<FeelersInit> = { interval: 120_000, duration: 5_000 }

const DEFAULTS: Required<Omit<TopUpInit, 'rate' | 'churn' | 'feelers' | 'retryChance'>> = {
  target: 0,
  ratio: 0,
  sources: ['peer-store', 'peer-routing', 'bootstrap'],
  protocols: [],
  groupLimit: 1,
  softGroups: false,
  maxParallel: 16,
  anchors: 2,
  interval: 10_000,
  releaseBootstrap: true
}

/**
 * The options with their defaults, once it is known that they are usable
 */
export function resolveTopUp (init: TopUpInit): TopUpConfig {
  const { churn = false, feelers = false } = init

  return {
    ...withDefaults(init, DEFAULTS),
    retryChance: init.retryChance ?? coreRetryChance,
    rate: withDefaults(init.rate ?? {}, RATE_DEFAULTS),
    churn: churn && withDefaults(churn, CHURN_DEFAULTS),
    feelers: feelers && withDefaults(feelers, FEELERS_DEFAULTS)
  }
}
