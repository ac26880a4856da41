/**
 * libp2p default
 */
export const MAX_DIAL_QUEUE_LENGTH = 500

/**
 * libp2p default
 */
export const MAX_PEER_ADDRS_TO_DIAL = 25

/**
 * In ms, libp2p default
 */
export const DIAL_TIMEOUT = 10_000

/**
 * In ms, libp2p default
 */
export const ADDRESS_DIAL_TIMEOUT = 6_000

/**
 * In ms, libp2p default
 */
export const CONNECTION_CLOSE_TIMEOUT = 1_000

/**
 * In ms, libp2p default for upgrading a connection and for negotiating the protocol of a
 * stream
 */
export const UPGRADE_TIMEOUT = 10_000

/**
 * Connections per second and host, libp2p default
 */
export const INBOUND_CONNECTION_THRESHOLD = 5

/**
 * libp2p default, here the least that is the default on any machine
 */
export const MAX_INCOMING_PENDING_CONNECTIONS = 10

/**
 * libp2p default
 */
export const RECONNECT_RETRIES = 5

/**
 * In ms, libp2p default
 */
export const RECONNECT_RETRY_INTERVAL = 1_000

/**
 * libp2p default
 */
export const RECONNECT_BACKOFF_FACTOR = 2

/**
 * libp2p default
 */
export const MAX_PARALLEL_RECONNECTS = 5

/**
 * In ms, go-libp2p default
 */
export const GRACE_PERIOD = 60_000

/**
 * In ms, go-libp2p default
 */
export const SILENCE_PERIOD = 10_000

/**
 * The low watermark in relation to the high one, where only that is given.
 * go-libp2p's defaults of 160 and 192 are 83 %.
 */
export const LOW_WATER_RATIO = 0.8

/**
 * The high watermark in relation to `maxConnections`, where only watermarks are
 * given. AutoNAT stops verifying addresses at 80 % of `maxConnections`.
 */
export const HIGH_WATER_RATIO = 0.75

/**
 * Of how many peers that are gone the tags are remembered
 */
export const REPUTATION_SIZE = 10_000

/**
 * For how many ms the tags of a peer that is gone are remembered
 */
export const REPUTATION_TTL = 3_600_000

/**
 * In ms: for how long a connection that another has taken the place of may still
 * be used
 */
export const DRAIN_TIMEOUT = 60_000

/**
 * In ms: longer than AutoNAT keeps the connections that it dials back on, which
 * look as if both ends had dialled
 */
export const DUPLICATE_DELAY = 2_500

/**
 * In ms: the time of a stall and as much again (Dingo)
 */
export const RECYCLE_COOLDOWN = 120_000
