import { DEFAULT_SCALING, defaultStreamRates, defaultSubnetLimits, FIGURES, PROTOCOL_SCALING, SERVICE_SCALING } from './defaults.ts'
import type { NamedScaling, ScopeScaling } from './defaults.ts'
import type { Limits, LimitValue, ScopeLimits } from './limits.ts'

const MiB = 1024 * 1024

/**
 * Up to this much memory the limits are those of the smallest machine
 */
const SMALLEST = 128 * MiB

/**
 * What the limits are scaled to
 */
export interface Machine {
  /**
   * How much memory there is, in bytes. 0 if it is not known.
   */
  memory: number

  /**
   * How many file descriptors the process may open. 0 if it is not known.
   */
  fileDescriptors: number | 'unlimited'
}

/**
 * The default limits for a node that may use `memory` bytes and `fileDescriptors`
 * file descriptors, by go-libp2p's rule
 */
export function scaleLimits (memory: number, fileDescriptors: number | 'unlimited'): Limits {
  const limits = scaleKinds(memory, fileDescriptors)
  const scaled = (named: readonly NamedScaling[], which: 'all' | 'perPeer'): Record<string, ScopeLimits> =>
    Object.fromEntries(named.map(entry => [entry.name, scaleScope(entry[which], memory, fileDescriptors)]))

  return {
    ...limits,
    protocols: scaled(PROTOCOL_SCALING, 'all'),
    protocolPeers: scaled(PROTOCOL_SCALING, 'perPeer'),
    services: scaled(SERVICE_SCALING, 'all'),
    servicePeers: scaled(SERVICE_SCALING, 'perPeer'),
    subnets: defaultSubnetLimits(),
    streamRates: defaultStreamRates()
  }
}

function scaleKinds (memory: number, fileDescriptors: number | 'unlimited'): Limits {
  return Object.fromEntries(
    Object.entries(DEFAULT_SCALING).map(([kind, scaling]) => [kind, scaleScope(scaling, memory, fileDescriptors)])
  )
}

function scaleScope (scaling: ScopeScaling, memory: number, fileDescriptors: number | 'unlimited'): ScopeLimits {
  const { base, perGiB } = scaling
  const mebibytes = memory > SMALLEST ? Math.floor(memory / MiB) : 0

  return {
    ...Object.fromEntries(FIGURES.map((field, i) => [field, base[i] + Math.floor(perGiB[i] * mebibytes / 1024)])),
    fileDescriptors: scaleFileDescriptors(scaling, fileDescriptors)
  }
}

function scaleFileDescriptors (scaling: ScopeScaling, available: number | 'unlimited'): LimitValue {
  if (scaling.fileDescriptorShare === 0) {
    return scaling.fileDescriptors
  }

  if (available === 'unlimited') {
    return available
  }

  return Math.max(Math.floor(scaling.fileDescriptorShare * available), scaling.fileDescriptors)
}
