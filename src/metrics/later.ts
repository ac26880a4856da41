// what is fetched when it is needed
export { registerConnectionMetrics } from './connection-metrics.ts'
export { registerDialMetrics } from './dial-metrics.ts'
export { registerDecisionMetrics, registerManagerMetrics } from './manager-metrics.ts'
export { registerResourceMetrics } from './resource-metrics.ts'
export { registerUpstreamMetrics } from './upstream-metrics.ts'
export { BoundedLabels } from './bounded-labels.ts'
