import type { Rooms } from './rooms.ts'
import type { Watermarks } from '../trimming/index.ts'

/**
 * Hold other watermarks. If more connections are open than they allow, they are
 * trimmed at once.
 *
 * @throws {InvalidOptionError} if the realms reserve more, and then nothing has changed
 */
export function changeMaxConnections ({ controls, log, parked, pipeline, resources, trimmer }: Rooms, { maxConnections, lowWater, highWater }: Watermarks): void {
  const isLower = maxConnections < pipeline.maxConnections
  // refuses less than realms reserve
  resources.maxConnections = maxConnections
  pipeline.maxConnections = maxConnections
  trimmer.lowWater = lowWater
  trimmer.highWater = highWater
  parked.check()
  controls.followMaxConnections(maxConnections)

  if (isLower) {
    trimmer.enforce()
      .catch(err => { log.error('could not trim connections - %e', err) })
  }
}
