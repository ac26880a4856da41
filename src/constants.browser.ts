export * from './constants.defaults.ts'

/**
 * libp2p default in browsers
 */
export const MAX_CONNECTIONS = 100

/**
 * libp2p default in browsers
 */
export const MAX_PARALLEL_DIALS = 50
