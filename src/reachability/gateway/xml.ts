import { XMLParser } from 'fast-xml-parser'
import { GatewayError } from './gateway-client.ts'

/**
 * An XML element: text, or its children by name without a prefix. Where a name
 * occurs several times its children are an array.
 */
export type XMLElement = string | { [name: string]: XMLElement | XMLElement[] | undefined }

/**
 * Longer documents are refused, in characters
 */
export const MAX_XML_LENGTH = 256 * 1024

// the deepest device description has about a dozen
const MAX_DEPTH = 32

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH
})

/**
 * Parse a document
 *
 * @throws {GatewayError} `malformed`: not XML, too long, too deep, or with a
 * document type, which no gateway needs and which could define entities
 */
export function parseXML (text: string): XMLElement {
  if (text.length > MAX_XML_LENGTH) {
    throw new GatewayError('malformed', `The document has ${text.length} characters, at most ${MAX_XML_LENGTH} are read`)
  }

  if (text.toUpperCase().includes('<!DOCTYPE')) {
    throw new GatewayError('malformed', 'The document has a document type')
  }

  try {
    return parser.parse(text)
  } catch (err) {
    throw new GatewayError('malformed', 'The document is not well-formed', { cause: err })
  }
}

/**
 * The first child with this name
 */
export function childOf (element: XMLElement | undefined, name: string): XMLElement | undefined {
  return childrenOf(element, name)[0]
}

/**
 * All children with this name
 */
export function childrenOf (element: XMLElement | undefined, name: string): XMLElement[] {
  if (element == null || typeof element === 'string' || !Object.hasOwn(element, name)) {
    return []
  }

  const value = element[name]

  if (value == null) {
    return []
  }

  return Array.isArray(value) ? value : [value]
}

/**
 * The text of the first child with this name, `undefined` if there is none
 */
export function textOf (element: XMLElement | undefined, name: string): string | undefined {
  const child = childOf(element, name)

  return typeof child === 'string' ? child : undefined
}

/**
 * Make a value safe to stand between two tags
 */
export function escapeXML (value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
}
