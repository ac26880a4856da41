/**
 * Which gateway protocols may be used: Port Control Protocol, NAT Port Mapping
 * Protocol, UPnP Internet Gateway Device 1 and 2
 */
export type MappingProtocol = 'pcp' | 'pmp' | 'upnp'

/**
 * How the ports of a gateway are mapped
 */
export interface MappingInit {
  /**
   * Whether gateways are asked at all
   *
   * @default true
   */
  enabled?: boolean

  /**
   * Which protocols to speak, best first. They are tried at the same time; what
   * comes later in this list is used if nothing before it answers.
   *
   * @default ['pcp', 'pmp', 'upnp']
   */
  protocols?: MappingProtocol[]

  /**
   * For how long ports are mapped, in ms. A lease that ends cleans up after a
   * node that crashed.
   *
   * @default 3_600_000
   */
  lease?: number

  /**
   * Which part of a lease may pass before it is renewed (RFC 6886 section 3.3)
   *
   * @default 0.5
   */
  renewAt?: number

  /**
   * How often the gateway is asked for its external address, in ms. Most
   * gateways also announce a change, which is then seen at once.
   *
   * @default 30_000
   */
  checkInterval?: number

  /**
   * How often a UPnP gateway is asked whether it still has our mappings, in ms
   *
   * @default 60_000
   */
  entryCheckInterval?: number

  /**
   * How long to look for a gateway, in ms (go-libp2p: 10 s)
   *
   * @default 10_000
   */
  discoveryTimeout?: number

  /**
   * After how many failures in a row to look for the gateway again
   * (go-libp2p: 3)
   *
   * @default 3
   */
  maxFailures?: number

  /**
   * How long to wait after the first failed search or refused mapping, in ms;
   * doubled after each further one (go-libp2p: 5 s)
   *
   * @default 5_000
   */
  minBackOff?: number

  /**
   * The longest such wait, in ms (go-libp2p: 5 min)
   *
   * @default 300_000
   */
  maxBackOff?: number

  /**
   * How long one request to a gateway may take, in ms
   *
   * @default 5_000
   */
  requestTimeout?: number

  /**
   * How many random external ports to try if the wished one is taken
   *
   * @default 3
   */
  fallbackPorts?: number

  /**
   * From and up to which port they are taken (go-libp2p)
   *
   * @default [10_000, 65_535]
   */
  fallbackRange?: [number, number]

  /**
   * Whether to give mappings back when the node stops
   *
   * @default true
   */
  unmapOnStop?: boolean

  /**
   * How long that may take, in ms
   *
   * @default 2_000
   */
  stopTimeout?: number

  /**
   * How mappings are called in the gateway's list: printable ASCII, at most 64
   * characters
   *
   * @default 'libp2p'
   */
  description?: string

  /**
   * Whether to ask the gateway to let IPv6 connections through
   *
   * @default true
   */
  ipv6Pinholes?: boolean

  /**
   * Gateways to try besides those that are found: URLs of UPnP device
   * descriptions, or addresses for PCP and NAT-PMP
   *
   * @default []
   */
  gateways?: string[]

  /**
   * The public IPv4 address of the gateway, if it does not know it itself
   *
   * @default undefined
   */
  externalAddress?: string

  /**
   * How long to wait after the start before a gateway is looked for, in ms
   *
   * @default 0
   */
  mapDelay?: number

  /**
   * How long to wait after a change of the listen addresses, in ms
   *
   * @default 250
   */
  debounce?: number

  /**
   * Whether to listen to what gateways announce by themselves, so that a
   * restart or a new address is seen at once
   *
   * @default true
   */
  announcements?: boolean
}

/**
 * How addresses are verified
 */
export interface ProbeInit {
  /**
   * Whether servers are asked at all
   *
   * @default true
   */
  enabled?: boolean

  /**
   * At which difference between successes and failures no more servers are
   * asked (go-libp2p: 3)
   *
   * @default 3
   */
  targetConfidence?: number

  /**
   * Which difference decides, one vote per network. A mapped or a listen address is
   * announced after one success, an observed one needs this many; the node is
   * `public` once servers in this many networks got through (go-libp2p: 2).
   *
   * @default 2
   */
  minConfidence?: number

  /**
   * How long to wait before a new address that no gateway mapped is verified,
   * in ms (go-libp2p: 1 s)
   *
   * @default 1_000
   */
  newAddressDelay?: number

  /**
   * How long a reachable address is believed, in ms (go-libp2p: 1 h)
   *
   * @default 3_600_000
   */
  reprobeReachable?: number

  /**
   * How long an unreachable address is believed, in ms
   *
   * @default 300_000
   */
  reprobeUnreachable?: number

  /**
   * How many servers are asked at the same time. libp2p's client allows 3.
   *
   * @default 3
   */
  concurrency?: number

  /**
   * How long one server may take, in ms
   *
   * @default 30_000
   */
  timeout?: number

  /**
   * How long a server that refused is left alone, in ms (go-libp2p: 2 min)
   *
   * @default 120_000
   */
  serverThrottle?: number

  /**
   * How many addresses are looked after
   *
   * @default 10
   */
  maxCandidates?: number

  /**
   * How many peers must see the same IP address before it is combined with the
   * ports this node listens on, to find ports that were forwarded by hand
   *
   * @default 2
   */
  observedIpMinObservers?: number

  /**
   * Whether to look for servers among random peers while none is connected
   *
   * @default 'auto'
   */
  walk?: 'auto' | 'never'

  /**
   * How long to wait before a change for the worse is told, in ms
   *
   * @default 10_000
   */
  settleTime?: number
}

/**
 * How other peers' addresses are verified for them
 */
export interface ServerInit {
  /**
   * Whether to do it at all
   *
   * @default true
   */
  enabled?: boolean

  /**
   * How many requests per minute are answered (go-libp2p: 60)
   *
   * @default 60
   */
  requestsPerMinute?: number

  /**
   * How many of one peer (go-libp2p: 12)
   *
   * @default 12
   */
  requestsPerMinutePerPeer?: number

  /**
   * How many whose address is elsewhere than the peer that asks, which costs
   * the peer 30 to 100 kB (go-libp2p: 12)
   *
   * @default 12
   */
  dialDataPerMinute?: number

  /**
   * How many of one peer at the same time (go-libp2p: 2)
   *
   * @default 2
   */
  concurrentPerPeer?: number

  /**
   * How many addresses of a request are considered; one is dialled
   * (go-libp2p: 50)
   *
   * @default 50
   */
  maxAddresses?: number

  /**
   * The longest random wait before an address elsewhere is dialled, in ms
   * (go-libp2p: 3 s)
   *
   * @default 3_000
   */
  maxJitter?: number
}

/**
 * Options of the reachability service
 */
export interface ReachabilityInit {
  /**
   * How the ports of a gateway are mapped
   *
   * @default {}
   */
  mapping?: MappingInit

  /**
   * How addresses are verified
   *
   * @default {}
   */
  probe?: ProbeInit

  /**
   * How other peers' addresses are verified for them
   *
   * @default {}
   */
  server?: ServerInit

  /**
   * First part of the protocol names
   *
   * @default 'libp2p'
   */
  protocolPrefix?: string
}
