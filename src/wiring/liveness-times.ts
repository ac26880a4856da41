import { NORMAL_LIVENESS } from '../upkeep/index.ts'
import type { RoomsConfig } from './context.ts'
import type { LivenessInit, LivenessTimes } from '../upkeep/index.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/**
 * What holds for all, and for the peers of realms
 */
export interface LivenessSettings extends Pick<RoomsConfig, 'realmSettings'> {
  liveness: (LivenessTimes & Pick<LivenessInit, 'timesOf'>) | false
}

/**
 * Tells when the connections of a peer are pinged: the user's function comes first,
 * then the settings of the peer's realm, then what holds for all. `undefined` if no
 * peer can be meant.
 */
export function livenessTimes ({ liveness, realmSettings }: LivenessSettings, shareOf: (peerId: PeerId) => string | undefined, log: Logger): ((peerId: PeerId) => LivenessTimes | false) | undefined {
  const hasRealms = [...realmSettings.values()].some(settings => settings.liveness != null)

  if (liveness === false && ![...realmSettings.values()].some(settings => settings.liveness != null && settings.liveness !== false)) {
    return
  }

  const all = liveness === false ? NORMAL_LIVENESS : liveness

  const timesOfRealm = (peerId: PeerId): LivenessTimes | false => {
    const realm = hasRealms ? shareOf(peerId) : undefined
    const times = realm == null ? undefined : realmSettings.get(realm)?.liveness

    return times == null ? liveness : times && { ...all, ...times }
  }

  return peerId => {
    try {
      const times = liveness === false ? undefined : liveness.timesOf?.(peerId)

      return times == null ? timesOfRealm(peerId) : times && { ...all, ...times }
    } catch (err) {
      log.error('liveness.timesOf failed for %p - %e', peerId, err)

      return timesOfRealm(peerId)
    }
  }
}
