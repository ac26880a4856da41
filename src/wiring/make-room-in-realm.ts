export interface MakeRoomInRealm {
  /**
   * Somebody is about to count in a realm, which may be full
   */
  (realm: string, peer: string, direction: 'inbound' | 'outbound'): void
}
