import { addressBits, parseIp } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { listOf, recordOf } from './check-fields.ts'
import { checkLimitValue, wholeNumber } from './validate-limit-value.ts'
import type { Check } from './check-fields.ts'
import type { RateLimit, SubnetLimits } from './limits.ts'

const RATE = { perSecond: checkPerSecond, burst: wholeNumber() }

/**
 * A copy of a rate, which needs both fields
 *
 * @throws {InvalidOptionError} that names the field
 */
export const validateRate: Check<RateLimit> = recordOf(RATE, true)

/**
 * A copy of the limits by address
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.subnets.ipv4[0].prefix`
 */
export const validateSubnetLimits: Check<SubnetLimits> = recordOf({
  ...listsOf({ connections: checkLimitValue }),
  rates: recordOf({ ...listsOf(RATE), global: validateRate })
})

/**
 * The lists of networks, each with these fields
 */
function listsOf (fields: Record<string, Check>): Record<string, Check> {
  return {
    ipv4: listOf(recordOf({ prefix: wholeNumber(addressBits(4)), ...fields }, true)),
    ipv6: listOf(recordOf({ prefix: wholeNumber(addressBits(6)), ...fields }, true)),
    networks: listOf(recordOf({ cidr: checkCidr, ...fields }, true))
  }
}

function checkPerSecond (value: unknown, path: string): RateLimit['perSecond'] {
  if (value === 'unlimited' || (typeof value === 'number' && Number.isFinite(value) && value >= 0)) {
    return value
  }

  throw new InvalidOptionError(path, value, 'a number that is not negative, or "unlimited"')
}

/**
 * @throws {InvalidOptionError} when it is not a network in CIDR notation. Neither is
 * an IPv6 network of addresses that stand for IPv4 ones: they count as those.
 */
function checkCidr (value: unknown, path: string): string {
  const [cidr, address = '', length] = typeof value === 'string' ? /^([^/]+)\/(\d{1,3})$/.exec(value) ?? [] : []
  const ip = parseIp(address)
  const writtenAs = address.includes(':') ? 6 : 4

  if (cidr == null || ip?.family !== writtenAs || Number(length) > addressBits(ip.family)) {
    throw new InvalidOptionError(path, value, 'a network in CIDR notation, e.g. "10.0.0.0/8" or "fc00::/7"')
  }

  return cidr
}
