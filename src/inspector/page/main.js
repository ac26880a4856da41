import { Actions } from './actions.js'
import { Chart } from './chart.js'
import { byId, setText } from './dom.js'
import { DecisionList, showBans, showDials, showLimits, showReachability, showRealms, showTiles } from './panels.js'
import { PeerTable } from './peers.js'
import { follow } from './stream.js'

/** So many samples are shown: half an hour at one per second */
const MAX_SAMPLES = 1_800

const STATES = {
  live: 'live',
  lost: 'the node does not answer, trying again',
  locked: 'the token is needed',
  full: 'too many pages are open, trying again'
}

const actions = new Actions()
const chart = new Chart()
const peers = new PeerTable(peer => { actions.open(peer).catch(() => {}) })
const decisions = new DecisionList()

/** @type {import('./chart-text.js').Sample[]} */
let samples = []

/** @type {import('../overview.js').Overview | undefined} */
let overview
let isDue = false

/**
 * However much has changed, the page is only drawn once per frame
 */
function drawSoon () {
  if (!isDue) {
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      draw()
    })
  }
}

function draw () {
  peers.render(true)
  chart.show(samples, { low: overview?.stats.lowWater ?? null, high: overview?.stats.highWater ?? null })
}

/** @param {import('../overview.js').Overview} now - what is known */
function showOverview (now) {
  overview = now
  actions.enable(now.isWritable)
  showTiles(now)
  showLimits(now)
  showRealms(now)
  showDials(now)
  showBans(now, now.isWritable ? target => { actions.unban(target).catch(() => {}) } : undefined)
  showReachability(now)
}

/** @type {Record<string, (data: any) => void>} */
const HANDLERS = {
  samples: all => { samples = all },
  sample: sample => { samples = [...samples, sample].slice(-MAX_SAMPLES) },
  overview: showOverview,
  peers: changes => { peers.update(changes) },
  decisions: rows => { decisions.add(rows) }
}

function chooseTheme () {
  const button = byId('theme')
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  const label = () => { setText(button, isDark() ? 'Light colours' : 'Dark colours') }

  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark'
    label()
    drawSoon()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    label()
    drawSoon()
  })
  label()
}

chooseTheme()
peers.render()

follow({
  headers: () => actions.headers(),
  onEvent: (type, data) => {
    HANDLERS[type]?.(data)
    drawSoon()
  },
  onState: state => {
    const live = byId('live')
    live.dataset.state = state
    setText(live, STATES[state])

    if (state === 'locked') {
      actions.enable(true)
    }
  }
})
