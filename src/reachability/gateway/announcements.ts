import { RecentMap } from '../../recent-map.ts'
import { decodeSSDP, SSDP_GROUP, SSDP_PORT } from './ssdp.ts'
import type { Network, UDPSocket } from '../network/network.ts'

/**
 * Where PCP and NAT-PMP gateways announce a restart or a new address (RFC 6886
 * section 3.2.1, RFC 6887 section 14.1.3)
 */
export const PORT_CONTROL_GROUP = { address: '224.0.0.1', port: 5350 }

// more gateways than there are in a home
const MAX_BOOT_IDS = 16

/**
 * Listens to what gateways say unasked. Nothing in it is believed: it is only a
 * reason to ask the gateway itself, if it came from there.
 */
export class GatewayAnnouncements {
  readonly #network: Network
  readonly #onAnnouncement: (host: string) => void

  // anybody on the network can fill this, so it stays small
  private readonly bootIds = new RecentMap<string, number>(MAX_BOOT_IDS)
  #sockets: UDPSocket[] = []
  #abort?: AbortController

  /**
   * `onAnnouncement` receives the address of who said something
   */
  constructor (network: Network, onAnnouncement: (host: string) => void) {
    this.#network = network
    this.#onAnnouncement = onAnnouncement
  }

  /**
   * Listen. Where that is not possible, changes are noticed later.
   */
  async start (): Promise<void> {
    const abort = this.#abort = new AbortController()
    const groups = [
      { group: PORT_CONTROL_GROUP, isNews: () => true },
      { group: { address: SSDP_GROUP, port: SSDP_PORT }, isNews: (data: Uint8Array, host: string) => this.#isSSDPNews(data, host) }
    ]

    await Promise.all(groups.map(async ({ group, isNews }) => {
      try {
        const socket = await this.#network.openUDP({ family: 4, group, signal: abort.signal })

        if (abort.signal.aborted) {
          socket.close()
          return
        }

        this.#sockets.push(socket)
        socket.onError = () => {}
        socket.onMessage = ({ data, address }) => {
          if (isNews(data, address)) {
            this.#onAnnouncement(address)
          }
        }
      } catch {
        // the port is taken exclusively, or there is no multicast here
      }
    }))
  }

  /**
   * Stop listening
   */
  stop (): void {
    this.#abort?.abort()
    this.#sockets.forEach(socket => { socket.close() })
    this.#sockets = []
    this.bootIds.clear()
  }

  // devices repeat themselves: only a farewell, or another boot, is news
  #isSSDPNews (data: Uint8Array, host: string): boolean {
    const message = decodeSSDP(data)

    if (message == null || message.kind === 'response') {
      return false
    }

    if (message.kind === 'byebye' || message.bootId == null) {
      return true
    }

    const previous = this.bootIds.get(host)
    this.bootIds.set(host, message.bootId)

    return previous !== message.bootId
  }
}
