/**
 * The element of the page with this id
 *
 * @param {string} id - as in index.html
 */
export function byId (id) {
  const element = document.getElementById(id)

  if (element == null) {
    throw new Error(`There is no element "${id}"`)
  }

  return element
}

/**
 * An element with classes and children. What comes from peers is only ever text.
 *
 * @param {string} name - of the element, with its classes, e.g. `td.number`
 * @param {...(Node | string)} children - what is in it
 */
export function create (name, ...children) {
  const [tag, ...classes] = name.split('.')
  const element = document.createElement(tag)

  if (classes.length > 0) {
    element.className = classes.join(' ')
  }

  element.append(...children)

  return element
}

/**
 * Changes a text only if it is another one, so that a selection survives
 *
 * @param {Element} element - whose text it is
 * @param {string} text - the text
 */
export function setText (element, text) {
  if (element.textContent !== text) {
    element.textContent = text
  }
}

/**
 * A table of texts
 *
 * @param {string[]} heads - the titles of the columns
 * @param {Array<Array<Node | string>>} rows - the cells
 * @param {string} empty - what to say when there are none
 */
export function table (heads, rows, empty) {
  if (rows.length === 0) {
    return create('p.empty', empty)
  }

  const scope = heads.map(head => {
    const cell = create('th', head)
    cell.setAttribute('scope', 'col')

    return cell
  })

  return create('table',
    create('thead', create('tr', ...scope)),
    create('tbody', ...rows.map(cells => create('tr', ...cells.map(cell => create('td', cell))))))
}
