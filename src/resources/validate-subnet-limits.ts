import { addressBits, parseIp } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { checkFields, checkRecord } from './check-fields.ts'
import { checkLimitValue, checkWholeNumber } from './validate-limit-value.ts'
import type { NetworkLimit, NetworkRateLimit, RateLimit, RateLimits, SubnetLimit, SubnetLimits, SubnetRateLimit } from './limits.ts'

/**
 * A copy of the limits by address
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.subnets.ipv4[0].prefix`
 */
export function validateSubnetLimits (limits: unknown, path: string): SubnetLimits {
  const given = checkRecord(limits, path)
  checkFields(given, path, ['ipv4', 'ipv6', 'networks', 'rates'])

  const subnet = (family: 4 | 6) => (entry: unknown, option: string): SubnetLimit => {
    const { prefix, connections } = checkEntry(entry, option, ['prefix', 'connections'])

    return { prefix: checkWholeNumber(prefix, `${option}.prefix`, addressBits(family)), connections: checkLimitValue(connections, `${option}.connections`) }
  }

  const network = (entry: unknown, option: string): NetworkLimit => {
    const { cidr, connections } = checkEntry(entry, option, ['cidr', 'connections'])

    return { cidr: checkCidr(cidr, `${option}.cidr`), connections: checkLimitValue(connections, `${option}.connections`) }
  }

  return withoutUndefined({
    ipv4: checkList(given.ipv4, `${path}.ipv4`, subnet(4)),
    ipv6: checkList(given.ipv6, `${path}.ipv6`, subnet(6)),
    networks: checkList(given.networks, `${path}.networks`, network),
    rates: given.rates === undefined ? undefined : validateRates(given.rates, `${path}.rates`)
  })
}

function validateRates (rates: unknown, path: string): RateLimits {
  const given = checkRecord(rates, path)
  checkFields(given, path, ['ipv4', 'ipv6', 'networks', 'global'])

  const subnet = (family: 4 | 6) => (entry: unknown, option: string): SubnetRateLimit => {
    const fields = checkEntry(entry, option, ['prefix', 'perSecond', 'burst'])

    return { prefix: checkWholeNumber(fields.prefix, `${option}.prefix`, addressBits(family)), ...checkRate(fields, option) }
  }

  const network = (entry: unknown, option: string): NetworkRateLimit => {
    const fields = checkEntry(entry, option, ['cidr', 'perSecond', 'burst'])

    return { cidr: checkCidr(fields.cidr, `${option}.cidr`), ...checkRate(fields, option) }
  }

  return withoutUndefined({
    ipv4: checkList(given.ipv4, `${path}.ipv4`, subnet(4)),
    ipv6: checkList(given.ipv6, `${path}.ipv6`, subnet(6)),
    networks: checkList(given.networks, `${path}.networks`, network),
    global: given.global === undefined ? undefined : checkRate(checkEntry(given.global, `${path}.global`, ['perSecond', 'burst']), `${path}.global`)
  })
}

function checkList<T> (list: unknown, path: string, check: (entry: unknown, option: string) => T): T[] | undefined {
  if (list === undefined) {
    return
  }

  if (!Array.isArray(list)) {
    throw new InvalidOptionError(path, list, 'a list')
  }

  return list.map((entry, index) => check(entry, `${path}[${index}]`))
}

function checkEntry (entry: unknown, option: string, fields: readonly string[]): Record<string, unknown> {
  const given = checkRecord(entry, option)
  checkFields(given, option, fields)

  return given
}

function checkRate (fields: Record<string, unknown>, option: string): RateLimit {
  const { perSecond, burst } = fields

  if (perSecond !== 'unlimited' && (typeof perSecond !== 'number' || !Number.isFinite(perSecond) || perSecond < 0)) {
    throw new InvalidOptionError(`${option}.perSecond`, perSecond, 'a number that is not negative, or "unlimited"')
  }

  return { perSecond, burst: checkWholeNumber(burst, `${option}.burst`) }
}

/**
 * @throws {InvalidOptionError} when it is not a network in CIDR notation. Neither is
 * an IPv6 network of addresses that stand for IPv4 ones: they count as those.
 */
function checkCidr (value: unknown, option: string): string {
  const expected = 'a network in CIDR notation, e.g. "10.0.0.0/8" or "fc00::/7"'

  if (typeof value !== 'string') {
    throw new InvalidOptionError(option, value, expected)
  }

  const [, address, length] = /^([^/]+)\/(\d{1,3})$/.exec(value) ?? []
  const ip = address == null ? undefined : parseIp(address)
  const writtenAs = address?.includes(':') === true ? 6 : 4

  if (ip?.family !== writtenAs || Number(length) > addressBits(ip.family)) {
    throw new InvalidOptionError(option, value, expected)
  }

  return value
}

function withoutUndefined<T extends object> (fields: T): T {
  // fields that may be missing, which those that are removed are
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
