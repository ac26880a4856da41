import { factsOf, reasonOf } from './decision-text.js'
import { byId, create, setText, table } from './dom.js'
import { clock, duration, moment, shortAddress, shortId, size, words } from './format.js'

/**
 * @typedef {import('../overview.js').Overview} Overview
 * @typedef {import('../decisions.js').DecisionRow} DecisionRow
 */

const MAX_LINES = 300
const COLOURS = 6

/**
 * The figures at the top
 *
 * @param {Overview} overview - what is known
 */
export function showTiles ({ peerId, stats, banCount, dialCount, reachability }) {
  setText(byId('node'), peerId)

  const tiles = [
    ['Connections', `${stats.connections}`, `${stats.inbound} in, ${stats.outbound} out`],
    ['Peers', `${stats.peers}`, 'connected'],
    ['Watermarks', `${stats.lowWater ?? '–'} – ${stats.highWater ?? '∞'}`, `nobody comes in above ${stats.maxConnections ?? '∞'}`],
    ['Being opened', `${stats.inboundPending + stats.outboundPending}`, `${stats.inboundPending} in, ${stats.outboundPending} out`],
    ['Dial queue', `${dialCount}`, 'peers to be dialled'],
    ['Bans', `${banCount}`, 'in force'],
    ['Reachability', reachability?.state ?? '–', reachability?.reason ?? 'there is no such service']
  ]

  byId('tiles').replaceChildren(...tiles.map(([name, figure, more]) => create('div', create('dt', name), create('dd', figure, create('small', more)))))
}

/**
 * What is in use of what
 *
 * @param {Overview} overview - what is known
 */
export function showLimits ({ scopes }) {
  if (scopes.length === 0) {
    byId('limits').replaceChildren(create('p.empty', 'Nothing is limited by scope'))
    return
  }

  byId('limits').replaceChildren(...scopes.flatMap(({ name, usage }) => [
    create('h3.scope-name', name),
    create('div.usage', ...usage.flatMap(({ resource, used, limit }) => [
      create('span.label', words(resource)),
      limit == null ? create('span') : meter(`${name} ${words(resource)}`, used, limit),
      create('span.figure', `${amount(resource, used)} of ${limit == null ? '∞' : amount(resource, limit)}`)
    ]))
  ]))
}

/**
 * @param {string} label - what is measured
 * @param {number} used - how much is in use
 * @param {number} limit - how much may be
 */
function meter (label, used, limit) {
  const part = limit === 0 ? Number(used > 0) : Math.min(1, used / limit)
  const bar = create('div')
  const element = create(`div.meter${part >= 1 ? '.bad' : part >= 0.8 ? '.warn' : ''}`, bar)
  bar.style.width = `${part * 100}%`
  element.setAttribute('role', 'meter')
  element.setAttribute('aria-label', label)
  element.setAttribute('aria-valuemin', '0')
  element.setAttribute('aria-valuemax', `${limit}`)
  element.setAttribute('aria-valuenow', `${used}`)

  return element
}

/**
 * @param {string} resource - e.g. `memory`
 * @param {number} value - how much of it
 */
function amount (resource, value) {
  return resource === 'memory' ? size(value) : `${value}`
}

/**
 * How connections are spread over the realms
 *
 * @param {Overview} overview - what is known
 */
export function showRealms ({ realms, stats }) {
  const total = Math.max(1, stats.connections)
  const colour = (/** @type {number} */ i) => realms[i].realm == null ? 'rest' : `c${i % COLOURS}`
  const bar = create('div.shares', ...realms.map(({ connections }, i) => {
    const part = create(`div.${colour(i)}`)
    part.style.width = `${connections / total * 100}%`

    return part
  }))
  bar.setAttribute('aria-hidden', 'true')

  byId('realms').replaceChildren(bar, table(['Realm', 'Connections', 'Share', 'Limit', 'Reserved', 'Peers'], realms.map(({ realm, connections, limit, reserved, peers }, i) => [
    create('span', create(`span.swatch.${colour(i)}`), realm ?? 'in no realm'),
    `${connections}`,
    `${Math.round(connections / total * 100)} %`,
    limit == null ? '–' : `${limit}`,
    reserved === 0 ? '–' : `${reserved}`,
    peers == null ? '–' : `${peers}`
  ]), 'There are no realms'))
}

/**
 * @param {Overview} overview - what is known
 */
export function showDials ({ dials, dialCount }) {
  const list = table(['Peer', 'Address', 'Addresses', 'State'], dials.map(({ peer, address, addresses, status }) => [
    peer == null ? '' : shortId(peer),
    address ?? '',
    `${addresses}`,
    status
  ]), 'Nobody is being dialled')

  byId('dials').replaceChildren(list, more(dialCount - dials.length))
}

/**
 * @param {Overview} overview - what is known
 * @param {((target: string) => void) | undefined} onUnban - undefined if that is not possible
 */
export function showBans ({ bans, banCount }, onUnban) {
  const list = table(['Who', 'Until', 'Reason', ...onUnban == null ? [] : ['']], bans.map(({ target, expires, reason }) => [
    target,
    expires == null ? 'for good' : `${moment(expires, Date.now())} (${duration(expires - Date.now())})`,
    reason ?? '',
    ...onUnban == null ? [] : [unbanButton(target, onUnban)]
  ]), 'Nobody is banned')

  byId('bans').replaceChildren(list, more(banCount - bans.length))
}

/**
 * @param {string} target - of the ban
 * @param {(target: string) => void} onUnban - called when it is clicked
 */
function unbanButton (target, onUnban) {
  const button = create('button', 'End')
  button.setAttribute('type', 'button')
  button.setAttribute('aria-label', `End the ban of ${target}`)
  button.addEventListener('click', () => { onUnban(target) })

  return button
}

/**
 * @param {number} count - how many are not listed
 */
function more (count) {
  return count > 0 ? create('p.empty', `and ${count} more`) : ''
}

/**
 * @param {Overview} overview - what is known
 */
export function showReachability ({ reachability }) {
  if (reachability == null) {
    byId('reachability').replaceChildren(create('p.empty', 'No reachability service is running'))
    return
  }

  const { state, reason, ip4, ip6, addresses, mappings } = reachability

  byId('reachability').replaceChildren(
    create('p', `${state} because of ${reason}; IPv4 ${ip4}, IPv6 ${ip6}`),
    create('h3', 'Addresses'),
    table(['Address', 'State', 'Reached', 'Not reached'], addresses.map(({ address, state, success, failure }) => [address, state, `${success}`, `${failure}`]), 'No address is looked after'),
    create('h3', 'Mappings'),
    table(['Internal', 'External', 'Protocol', 'By', 'State'], mappings.map(({ internal, external, protocol, via, state }) => [internal, external ?? '', protocol, via ?? '', state]), 'No port is mapped')
  )
}

/**
 * The log of decisions, the latest first
 */
export class DecisionList {
  constructor () {
    this.list = byId('decisions')
    this.select = /** @type {HTMLSelectElement} */ (byId('kind'))
    this.pause = byId('pause')
    /** @type {DecisionRow[]} */
    this.rows = []
    this.isPaused = false
    /** @type {Set<string>} */
    this.kinds = new Set()

    this.select.addEventListener('change', () => { this.render() })
    this.pause.addEventListener('click', () => {
      this.isPaused = !this.isPaused
      this.pause.setAttribute('aria-pressed', `${this.isPaused}`)
      this.render()
    })
    this.render()
  }

  /**
   * @param {DecisionRow[]} rows - oldest first. Those that are known may be among them.
   */
  add (rows) {
    const last = this.rows[this.rows.length - 1]?.id ?? 0
    const added = rows.filter(({ id }) => id > last)
    // the node was started again, and counts from one
    const isNew = rows.length > 0 && rows[rows.length - 1].id < last
    this.rows = [...isNew ? [] : this.rows, ...isNew ? rows : added].slice(-MAX_LINES * 4)

    for (const { kind } of added) {
      if (!this.kinds.has(kind)) {
        this.kinds.add(kind)
        this.select.append(create('option', kind))
      }
    }

    this.render()
  }

  render () {
    if (this.isPaused) {
      return
    }

    const kind = this.select.value
    const rows = this.rows.filter(row => kind === '' || row.kind === kind).slice(-MAX_LINES).reverse()

    this.list.replaceChildren(...rows.length === 0 ? [create('li', 'Nothing was decided yet')] : rows.map(line))
  }
}

/**
 * @param {DecisionRow} row - what was decided
 */
function line ({ time, kind, reason, peer, address, details }) {
  const facts = factsOf(details)
  const who = [peer == null ? '' : shortId(peer), address == null ? '' : shortAddress(address, peer)].filter(text => text !== '')
  const element = create('p', create('strong', reasonOf(kind, reason)), facts === '' ? '' : `: ${facts}`, ...who.length === 0 ? [] : [create('span.who', who.join(' '))])

  if (peer != null) {
    element.title = peer
  }

  return create('li', create('time', clock(time)), create(`span.kind.${kind}`, kind), element)
}
