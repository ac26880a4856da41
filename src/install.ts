import { serviceCapabilities } from '@libp2p/interface'
import { MAX_DELAY } from './clock.ts'
import { readProperty } from './error-message.ts'
import { InvalidOptionError } from './errors.ts'
import { composeGaters } from './gating/index.ts'
import type { DialQueueComponents } from './dialing/index.ts'
import type { AnswerLimit, OnUserDenial } from './gating/index.ts'
import type { OutboundNodeComponents } from './wiring/index.ts'
import type { ConnectionGater, MultiaddrConnection, StreamMiddleware, Upgrader, UpgraderOptions } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'

/**
 * What is replaced. `createLibp2p` has built its own connection manager by the
 * time the services are built, and never starts it when a service takes its
 * place.
 */
export interface InstallComponents {
  connectionManager: ConnectionManager
  connectionGater: ConnectionGater
  registrar: Registrar
  upgrader: WatchableUpgrader

  /**
   * Only there unless it is disabled
   */
  connectionMonitor?: object
}

/**
 * What the connection manager uses of a libp2p node
 */
export interface ConnectionManagerComponents extends Omit<DialQueueComponents, 'datastore' | 'peerStore' | 'peerRouting'>, OutboundNodeComponents, InstallComponents {
  upgrader: Upgrader
}

/**
 * The methods of an upgrader by which sockets become connections
 */
export type WatchableUpgrader = Pick<Upgrader, 'upgradeInbound' | 'upgradeOutbound'>

/**
 * What takes its place
 */
export interface Installation {
  manager: ReplacementManager

  /**
   * Asked whether a connection is allowed, after the user's gater
   */
  gater: ConnectionGater

  /**
   * Limits how long what the user's gater does not answer at once may take
   */
  limitGater: AnswerLimit

  /**
   * Is told what the user's gater denies
   */
  onUserDenial: OnUserDenial

  /**
   * Sees every stream whose protocol is negotiated, in both directions, before any
   * other middleware does
   */
  middleware: StreamMiddleware

  /**
   * Is told of every socket that is upgraded, with the signal that the transport was given.
   * What it returns is called when that has ended.
   */
  onUpgrade(socket: MultiaddrConnection, dialled: boolean, signal?: AbortSignal): () => void
  timeouts: UpgraderTimeouts

  /**
   * Leave the watching of connections to us
   */
  replaceMonitor: boolean
}

/**
 * The timeouts that libp2p's upgrader takes from the configuration of the
 * connection manager
 */
export interface UpgraderTimeouts {
  inboundUpgradeTimeout?: number
  inboundStreamProtocolNegotiationTimeout?: number
  outboundStreamProtocolNegotiationTimeout?: number
  connectionCloseTimeout?: number
}

const TIMEOUTS: ReadonlyArray<keyof UpgraderTimeouts> = [
  'inboundUpgradeTimeout',
  'inboundStreamProtocolNegotiationTimeout',
  'outboundStreamProtocolNegotiationTimeout',
  'connectionCloseTimeout'
]

/**
 * The interface, and fields of libp2p's own connection manager that are no part of it,
 * but read by other projects
 */
const MEMBERS: ReadonlyArray<keyof ReplacementManager> = [
  'getConnections',
  'getConnectionsMap',
  'getMaxConnections',
  'setMaxConnections',
  'openConnection',
  'openStream',
  'closeConnections',
  'acceptIncomingConnection',
  'afterUpgradeInbound',
  'getDialQueue',
  'isDialable',
  'dialQueue',
  'reconnectQueue'
]

/**
 * A connection manager that can take the place of libp2p's own: other projects read these
 * fields of it, too
 */
export interface ReplacementManager extends ConnectionManager {
  dialQueue: { queue: object }
  reconnectQueue: object
}

/**
 * Puts a connection manager in the place of the one that libp2p has built.
 *
 * Most of libp2p looks the connection manager up when it needs it, and gets ours.
 * What was built earlier holds the discarded one: the transports (the relay's
 * reservation store among them) and the services that are listed before ours.
 * So everything that is asked of the discarded one is answered by ours.
 */
export function install (components: InstallComponents, installation: Installation): void {
  const { manager, gater, limitGater, onUserDenial, middleware, onUpgrade, timeouts, replaceMonitor } = installation
  const discarded = components.connectionManager

  redirectDialQueueMetric(discarded, manager)
  redirect(discarded, manager, MEMBERS)
  applyTimeouts(components.upgrader, timeouts)
  watchUpgrades(components.upgrader, onUpgrade)

  // both are looked up whenever they are used
  components.connectionGater = composeGaters(components.connectionGater, gater, limitGater, onUserDenial)
  components.registrar = withMiddleware(components.registrar, middleware)

  if (replaceMonitor) {
    components.connectionMonitor = inertMonitor
  }
}

/**
 * Whether libp2p uses the connection manager
 *
 * @throws {InvalidOptionError} if the service has another name than
 * `connectionManager`, as libp2p would go on using its own manager then
 */
export function assertInstalled ({ connectionManager }: Pick<InstallComponents, 'connectionManager'>, manager: ReplacementManager): void {
  if (connectionManager !== manager) {
    throw new InvalidOptionError('services', 'another name', 'a record in which this service is named "connectionManager"')
  }
}

/**
 * Takes the place of the connection monitor, which is started with the node
 */
const inertMonitor = {
  [Symbol.toStringTag]: 'libp2p-connmgr/connection-monitor',
  [serviceCapabilities]: ['@libp2p/connection-monitor']
}

/**
 * A registrar whose `getMiddleware` puts one in front, and returns a list of its
 * own each time, as the connection adds to the list that it is given
 */
function withMiddleware (registrar: Registrar, middleware: StreamMiddleware): Registrar {
  const getMiddleware = (protocol: string): StreamMiddleware[] => [middleware, ...registrar.getMiddleware(protocol)]

  return new Proxy(registrar, {
    get: (target, name) => {
      if (name === 'getMiddleware') {
        return getMiddleware
      }

      const value: unknown = Reflect.get(target, name)

      // the methods are called on the proxy, and may use private fields
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/**
 * All transports call these methods of the node's upgrader
 */
function watchUpgrades (upgrader: WatchableUpgrader, onUpgrade: Installation['onUpgrade']): void {
  const upgradeInbound: Upgrader['upgradeInbound'] = upgrader.upgradeInbound.bind(upgrader)
  const upgradeOutbound: Upgrader['upgradeOutbound'] = upgrader.upgradeOutbound.bind(upgrader)

  upgrader.upgradeInbound = async (socket: MultiaddrConnection, options: UpgraderOptions) => {
    const ended = onUpgrade(socket, false, options?.signal)

    return upgradeInbound(socket, options).finally(ended)
  }
  upgrader.upgradeOutbound = async (socket: MultiaddrConnection, options: UpgraderOptions) => {
    const ended = onUpgrade(socket, true, options?.signal)

    return upgradeOutbound(socket, options).finally(ended)
  }
}

function redirect (from: object, to: object, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(from, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value: unknown = Reflect.get(to, name)

        return typeof value === 'function' ? value.bind(to) : value
      },
      // whoever wraps a method of the one means that of the other
      set: (value: unknown) => {
        Reflect.set(to, name, value)
      }
    })
  }
}

/**
 * The discarded manager has registered the metric `libp2p_dial_queue`, and the
 * registry keeps the first that was registered. It reads the length of the
 * discarded queue, and the number of jobs that run.
 */
function redirectDialQueueMetric (discarded: object, manager: ReplacementManager): void {
  const queue = readProperty(readProperty(discarded, 'dialQueue'), 'queue')

  if (typeof queue === 'object' && queue != null) {
    redirect(queue, manager.dialQueue.queue, ['queue', 'pending'])
  }
}

function applyTimeouts (upgrader: object, timeouts: UpgraderTimeouts): void {
  for (const name of TIMEOUTS) {
    const timeout = timeouts[name]

    if (timeout != null) {
      // `AbortSignal.timeout` takes whole numbers, and none that is larger
      Reflect.set(upgrader, name, Math.min(Math.ceil(timeout), MAX_DELAY))
    }
  }
}
