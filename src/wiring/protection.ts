import type { PeerProtection } from '../outbound/index.ts'
import type { Standing, Trimmer } from '../trimming/index.ts'

/**
 * Protects peers. Whoever is protected no more may have to go.
 */
export function protectionOf (standing: Standing, trimmer: Pick<Trimmer, 'check'>): PeerProtection {
  return {
    protect: (peerId, tag) => { standing.protect(peerId, tag) },
    unprotect: (peerId, tag) => {
      const isProtected = standing.unprotect(peerId, tag)
      trimmer.check()

      return isProtected
    }
  }
}
