import type { LookUpHost } from './host-lookup.ts'

/**
 * A page neither can look up a name as the browser does, nor learns what its connections
 * lead to
 */
export const lookUpHost: LookUpHost | undefined = undefined

export function socketIp (): string | undefined {
  return undefined
}

export function watchWebSockets (): void {}
