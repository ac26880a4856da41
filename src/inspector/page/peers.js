import { byId, create, setText } from './dom.js'
import { duration, shortAddress, shortId } from './format.js'

/**
 * @typedef {import('../peer-rows.js').PeerRow} PeerRow
 *
 * @typedef {object} Column
 * @property {string} name - its title
 * @property {(row: PeerRow) => string | number} key - what it is sorted by
 * @property {(row: PeerRow) => string} text - what stands in it
 * @property {boolean} [isNumber] - stands on the right, and is sorted the highest first
 */

const ROWS_PER_PAGE = 50

/** @type {Column[]} */
const COLUMNS = [
  { name: 'Peer', key: row => row.id, text: row => shortId(row.id) },
  { name: 'Value', key: row => row.value, text: row => `${row.value}`, isNumber: true },
  { name: 'Tags', key: row => row.tagCount, text: tagsText, isNumber: true },
  { name: 'Protected', key: row => Number(row.isProtected), text: row => row.isProtected ? 'protected' : '', isNumber: true },
  { name: 'Realm', key: row => row.realm ?? '', text: row => row.realm ?? '' },
  { name: 'Group', key: row => row.group ?? '', text: row => row.group ?? '' },
  { name: 'RTT', key: row => row.rtt ?? -1, text: row => row.rtt == null ? '' : `${row.rtt} ms`, isNumber: true },
  { name: 'Streams', key: row => row.streams, text: row => `${row.streams}`, isNumber: true },
  { name: 'Age', key: row => -row.since, text: row => duration(Date.now() - row.since), isNumber: true },
  { name: 'Path', key: row => pathText(row), text: pathText },
  { name: 'Address', key: row => row.address, text: row => shortAddress(row.address, row.id) }
]

/**
 * The table of peers: filtered, sorted, and a page of it shown. However many there
 * are, no more than a page of rows is in the document.
 */
export class PeerTable {
  /**
   * @param {(id: string) => void} onOpen - a peer was chosen
   */
  constructor (onOpen) {
    /** @type {Map<string, PeerRow>} */
    this.peers = new Map()
    this.column = COLUMNS[1]
    this.isDescending = true
    this.filter = ''
    this.page = 0
    /** @type {PeerRow[]} */
    this.shown = []

    this.body = byId('peers-body')
    this.onOpen = onOpen
    this.heads = COLUMNS.map(column => this.head(column))
    byId('peers-head').append(...this.heads)

    const input = /** @type {HTMLInputElement} */ (byId('filter'))
    byId('filter-form').addEventListener('submit', event => { event.preventDefault() })
    input.addEventListener('input', () => {
      this.filter = input.value.trim()
      this.page = 0
      this.render()
    })
    byId('previous').addEventListener('click', () => { this.turn(-1) })
    byId('next').addEventListener('click', () => { this.turn(1) })
  }

  /**
   * @param {{ rows: PeerRow[], gone: string[], isAll?: boolean }} changes - since the last time
   */
  update ({ rows, gone, isAll }) {
    if (isAll === true) {
      this.peers.clear()
    }

    for (const row of rows) {
      this.peers.set(row.id, row)
    }

    for (const id of gone) {
      this.peers.delete(id)
    }
  }

  /**
   * Show what is known. While somebody is in the table the order stays what it is, so
   * that nothing moves away.
   *
   * @param {boolean} [isUpdate] - nobody has asked for another order
   */
  render (isUpdate = false) {
    const matching = this.matching()
    const pages = Math.max(1, Math.ceil(matching.length / ROWS_PER_PAGE))
    this.page = Math.min(this.page, pages - 1)

    if (isUpdate && this.body.contains(document.activeElement)) {
      this.shown = this.shown.map(row => this.peers.get(row.id) ?? row)
    } else {
      this.shown = this.sorted(matching).slice(this.page * ROWS_PER_PAGE, (this.page + 1) * ROWS_PER_PAGE)
    }

    this.fill()
    setText(byId('peers-count'), this.filter === '' ? `${this.peers.size} peers` : `${matching.length} of ${this.peers.size} peers`)
    setText(byId('page'), `${this.page + 1} of ${pages}`)
    byId('previous').toggleAttribute('disabled', this.page === 0)
    byId('next').toggleAttribute('disabled', this.page >= pages - 1)
  }

  /**
   * @param {number} pages - how many pages to go on
   */
  turn (pages) {
    this.page = Math.max(0, this.page + pages)
    this.render()
  }

  matching () {
    const rows = [...this.peers.values()]
    const words = this.filter.split(/\s+/).filter(word => word !== '')

    return words.length === 0 ? rows : rows.filter(row => words.every(word => row.id.includes(word) || searchText(row).includes(word.toLowerCase())))
  }

  /**
   * @param {PeerRow[]} rows - in any order
   */
  sorted (rows) {
    const direction = this.isDescending ? -1 : 1
    const keyed = rows.map(row => ({ row, key: this.column.key(row) }))

    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * direction || (a.row.id < b.row.id ? -1 : 1))

    return keyed.map(({ row }) => row)
  }

  fill () {
    while (this.body.children.length > Math.max(1, this.shown.length)) {
      this.body.lastElementChild?.remove()
    }

    if (this.shown.length === 0) {
      const cell = create('td', this.peers.size === 0 ? 'No peer is connected' : 'No peer matches')
      cell.setAttribute('colspan', `${COLUMNS.length}`)
      this.body.replaceChildren(create('tr', cell))
      return
    }

    this.shown.forEach((row, i) => {
      let element = this.body.children[i]

      if (element == null || element.children.length !== COLUMNS.length) {
        element = this.createRow()
        this.body.children[i] == null ? this.body.append(element) : this.body.children[i].replaceWith(element)
      }

      this.fillRow(element, row)
    })
  }

  createRow () {
    const button = create('button.id')
    button.setAttribute('type', 'button')
    button.addEventListener('click', () => { this.onOpen(button.dataset.peer ?? '') })

    return create('tr', ...COLUMNS.map(({ isNumber, name }, i) => {
      const cell = create(isNumber === true && name !== 'Tags' && name !== 'Protected' ? 'td.number' : 'td')
      cell.append(i === 0 ? button : create(name === 'Protected' ? 'span' : 'span.tags'))

      return cell
    }))
  }

  /**
   * @param {Element} element - the row
   * @param {PeerRow} row - what to show in it
   */
  fillRow (element, row) {
    COLUMNS.forEach((column, i) => {
      const content = element.children[i].firstElementChild
      const text = column.text(row)

      if (content == null) {
        return
      }

      setText(content, text)

      if (i === 0) {
        content.setAttribute('title', row.id)
        content.setAttribute('aria-label', `Peer ${row.id}`)
        content.setAttribute('data-peer', row.id)
      } else if (column.name === 'Protected') {
        content.className = row.isProtected ? 'badge' : ''
      } else if (column.name === 'Tags' || column.name === 'Address') {
        content.setAttribute('title', text)
      }
    })
  }

  /**
   * @param {Column} column - of this title
   */
  head (column) {
    const button = create('button', column.name)
    const cell = create(column.isNumber === true && column.name !== 'Tags' && column.name !== 'Protected' ? 'th.number' : 'th', button)
    button.setAttribute('type', 'button')
    cell.setAttribute('scope', 'col')
    button.addEventListener('click', () => {
      this.isDescending = this.column === column ? !this.isDescending : column.isNumber === true
      this.column = column
      this.page = 0
      this.markSorted()
      this.render()
    })
    this.mark(cell, button, column)

    return cell
  }

  markSorted () {
    COLUMNS.forEach((column, i) => {
      const button = this.heads[i].firstElementChild

      if (button != null) {
        this.mark(this.heads[i], button, column)
      }
    })
  }

  /**
   * @param {Element} cell - the title
   * @param {Element} button - in it
   * @param {Column} column - of this title
   */
  mark (cell, button, column) {
    const isSorted = column === this.column
    setText(button, `${column.name}${isSorted ? this.isDescending ? ' ↓' : ' ↑' : ''}`)
    cell.setAttribute('aria-sort', isSorted ? this.isDescending ? 'descending' : 'ascending' : 'none')
  }
}

/**
 * @param {PeerRow} row - of a peer
 */
function tagsText ({ tags, tagCount }) {
  const listed = tags.map(([name, value]) => `${name} ${value}`).join(', ')

  return tagCount > tags.length ? `${listed} and ${tagCount - tags.length} more` : listed
}

/**
 * @param {PeerRow} row - of a peer
 */
function pathText ({ path, transport, direction, connections }) {
  return `${path}, ${transport}, ${direction === 'both' ? 'in and out' : direction}${connections > 1 ? ` ×${connections}` : ''}`
}

/**
 * Everything but the id, in which case matters
 *
 * @param {PeerRow} row - of a peer
 */
function searchText (row) {
  return `${tagsText(row)} ${row.isProtected ? 'protected' : ''} ${row.realm ?? ''} ${row.group ?? ''} ${pathText(row)} ${row.address}`.toLowerCase()
}
