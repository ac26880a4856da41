import { factsOf, reasonOf } from './decision-text.js'
import { byId, create, table } from './dom.js'
import { clock, duration, shortAddress } from './format.js'

const LABELS = { protect: 'Protect', unprotect: 'Do not protect', close: 'Close', ban: 'Ban for an hour' }

/**
 * The windows of one peer and of the token, and what can be done in them
 */
export class Actions {
  constructor () {
    this.token = ''
    this.isWritable = false
    this.dialog = /** @type {HTMLDialogElement} */ (byId('peer'))
    this.tokenDialog = /** @type {HTMLDialogElement} */ (byId('token'))
    const input = /** @type {HTMLInputElement} */ (byId('token-input'))

    byId('unlock').addEventListener('click', () => { this.tokenDialog.showModal() })
    byId('trim').addEventListener('click', () => { this.askFor({ action: 'trim' }, byId('answer')).catch(() => {}) })
    byId('token-form').addEventListener('submit', event => {
      event.preventDefault()
      this.token = input.value
      input.value = ''
      this.tokenDialog.close()
    })
  }

  /**
   * What to send with a request
   *
   * @returns {Record<string, string>}
   */
  headers () {
    return this.token === '' ? {} : { authorization: `Bearer ${this.token}` }
  }

  /**
   * @param {boolean} isWritable - whether something can be changed
   */
  enable (isWritable) {
    this.isWritable = isWritable
    byId('unlock').hidden = !isWritable
    byId('trim').hidden = !isWritable
  }

  /**
   * Show what is known of a peer
   *
   * @param {string} peer - its id
   */
  async open (peer) {
    byId('peer-title').textContent = peer
    byId('peer-answer').textContent = ''
    byId('peer-actions').replaceChildren(...this.isWritable ? this.buttons(peer) : [])
    byId('peer-details').replaceChildren(create('p', 'Asking …'))

    if (!this.dialog.open) {
      this.dialog.showModal()
    }

    try {
      const response = await fetch(`/api/peer?id=${encodeURIComponent(peer)}`, { headers: this.headers() })
      byId('peer-details').replaceChildren(...response.ok ? describe(await response.json()) : [create('p', await response.text())])
    } catch {
      byId('peer-details').replaceChildren(create('p', 'The node does not answer'))
    }
  }

  /**
   * @param {string} peer - the id of a peer
   */
  buttons (peer) {
    return Object.entries(LABELS).map(([action, label]) => {
      const button = create('button', label)
      button.setAttribute('type', 'button')
      button.addEventListener('click', () => { this.askFor({ action, peer }, byId('peer-answer')).catch(() => {}) })

      return button
    })
  }

  /**
   * @param {string} target - of a ban, as it is listed
   */
  async unban (target) {
    return this.askFor({ action: 'unban', peer: target }, byId('answer'))
  }

  /**
   * @param {{ action: string, peer?: string }} request - what to do
   * @param {Element} answer - where to tell what came of it
   */
  async askFor (request, answer) {
    if (this.token === '') {
      this.tokenDialog.showModal()
      return
    }

    const response = await fetch('/api/actions', {
      method: 'POST',
      headers: { ...this.headers(), 'content-type': 'application/json' },
      body: JSON.stringify(request)
    })

    answer.textContent = response.ok ? (await response.json()).message : await response.text()
  }
}

/**
 * @param {import('../../wiring/explain-types.js').PeerExplanation} peer - what there is to say about it
 */
function describe ({ peer, summary, tags, connections, decisions }) {
  return [
    create('p', summary),
    create('h3', 'Tags'),
    table(['Tag', 'Value'], Object.entries(tags).map(([name, value]) => [name, `${Math.round(value * 10) / 10}`]), 'It has no tags'),
    create('h3', 'Connections'),
    table(['Address', 'Direction', 'Path', 'Age', 'RTT', 'Streams'], connections.map(({ address, direction, path, limited, age, rtt, protocols }) => [
      shortAddress(address, peer),
      direction,
      limited ? `${path}, limited` : path,
      duration(age),
      rtt == null ? '' : `${Math.round(rtt * 10) / 10} ms`,
      protocols.join(', ')
    ]), 'It is not connected'),
    create('h3', 'Last decisions'),
    table(['Time', 'What', 'Why'], decisions.slice(-20).reverse().map(({ time, kind, reason, details }) => [clock(time), kind, [reasonOf(kind, reason), factsOf(details)].filter(text => text !== '').join(': ')]), 'Nothing was decided about it')
  ]
}
