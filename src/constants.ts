export * from './constants.defaults.ts'

/**
 * libp2p default outside of browsers
 */
export const MAX_CONNECTIONS = 300

/**
 * libp2p default outside of browsers
 */
export const MAX_PARALLEL_DIALS = 100
