import { CidrMap } from './cidr-map.ts'
import { parseCidr } from './cidr.ts'
import type { Cidr } from './cidr.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A set of ranges of IP addresses from what {@link parseCidr} reads. The value of
 * each range is the range itself, so that a refusal can name it.
 *
 * @param inputs - the ranges
 * @param option - how an error names the list, e.g. `deny`
 * @throws {InvalidOptionError} that names the entry, e.g. `deny[2]`
 */
export function cidrSet (inputs: ReadonlyArray<string | Multiaddr>, option = 'cidrs'): CidrMap<Cidr> {
  const set = new CidrMap<Cidr>()

  inputs.forEach((input, i) => {
    const cidr = parseCidr(input, `${option}[${i}]`)
    set.set(cidr, cidr)
  })

  return set
}
