const WIRE_VARINT = 0
const WIRE_FIXED64 = 1
const WIRE_BYTES = 2
const FIXED64_BYTES = 8

/**
 * The fields of a protocol buffer, the last one of those that are repeated. Bytes
 * are views of the message. `undefined` if it is none, or has fields of a kind
 * that AutoNAT does not use.
 */
export function readFields (message: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>()
  let offset = 0

  while (offset < message.byteLength) {
    const tag = readVarint(message, offset)
    const field = tag == null ? undefined : readField(message, tag)

    if (tag == null || field == null) {
      return undefined
    }

    fields.set(tag.value >>> 3, field.value)
    offset = field.next
  }

  return fields
}

/**
 * What is in the first message of some bytes, and where it ends; `undefined` while
 * it is not complete
 */
export function readFrame (bytes: Uint8Array): { message: Uint8Array, next: number } | undefined {
  const length = readVarint(bytes, 0)

  if (length == null || bytes.byteLength < length.next + length.value) {
    return undefined
  }

  const next = length.next + length.value

  return { message: bytes.subarray(length.next, next), next }
}

function readField (message: Uint8Array, tag: { value: number, next: number }): { value: number | Uint8Array, next: number } | undefined {
  const wire = tag.value & 7

  if (wire === WIRE_FIXED64) {
    return slice(message, tag.next, FIXED64_BYTES)
  }

  const varint = readVarint(message, tag.next)

  if (varint == null || wire === WIRE_VARINT) {
    return varint
  }

  return wire === WIRE_BYTES ? slice(message, varint.next, varint.value) : undefined
}

function slice (message: Uint8Array, from: number, length: number): { value: Uint8Array, next: number } | undefined {
  const next = from + length

  return next > message.byteLength ? undefined : { value: message.subarray(from, next), next }
}

function readVarint (bytes: Uint8Array, offset: number): { value: number, next: number } | undefined {
  let value = 0
  let factor = 1

  // numbers stay below 2^53: eight bytes of seven bits are more than enough
  for (let i = offset; i < Math.min(bytes.byteLength, offset + 8); i++) {
    value += (bytes[i] & 0x7f) * factor
    factor *= 0x80

    if (bytes[i] < 0x80) {
      return { value, next: i + 1 }
    }
  }

  return undefined
}
