const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * @param {number} ms - how long
 */
export function duration (ms) {
  const time = Math.max(0, ms)

  if (time < MINUTE) {
    return `${Math.floor(time / SECOND)} s`
  }

  if (time < HOUR) {
    return `${Math.floor(time / MINUTE)} m ${Math.floor(time % MINUTE / SECOND)} s`
  }

  return time < DAY ? `${Math.floor(time / HOUR)} h ${Math.floor(time % HOUR / MINUTE)} m` : `${Math.floor(time / DAY)} d ${Math.floor(time % DAY / HOUR)} h`
}

/**
 * @param {number} time - in ms since the epoch
 */
export function clock (time) {
  return new Date(time).toTimeString().slice(0, 8)
}

/**
 * A time that may be on another day
 *
 * @param {number} time - in ms since the epoch
 * @param {number} now - in ms since the epoch
 */
export function moment (time, now) {
  const [date, today] = [time, now].map(ms => new Date(ms).toDateString())

  return date === today ? clock(time) : `${date} ${clock(time)}`
}

/**
 * @param {number} bytes - how many
 */
export function size (bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0

  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }

  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/**
 * The end of a peer id tells peers apart, the beginning is the same for all
 *
 * @param {string} id - of a peer
 */
export function shortId (id) {
  return id.length > 16 ? `…${id.slice(-10)}` : id
}

/**
 * An address without the id of its peer, where that is shown beside it
 *
 * @param {string} address - a multiaddr
 * @param {string} [peer] - the id of its peer
 */
export function shortAddress (address, peer) {
  return peer != null && address.endsWith(`/p2p/${peer}`) ? address.slice(0, -`/p2p/${peer}`.length) : address
}

/**
 * @param {string} resource - a name such as `connectionsInbound`
 */
export function words (resource) {
  return resource.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}
