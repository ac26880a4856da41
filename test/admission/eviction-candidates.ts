import type { EvictionCandidate } from '../../src/admission/index.ts'

/**
 * One that nothing speaks for but its age
 */
export function evictionCandidate (id: number, overrides: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return { id: String(id), group: `${id}.0.0.0/16`, rtt: Infinity, lastUseful: 0, value: 0, opened: id, transport: 'tcp', isDiscouraged: false, ...overrides }
}

/**
 * Candidates with ids that say when they were opened, the first one is the oldest
 */
export function evictionCandidates (count: number, overrides: (id: number) => Partial<EvictionCandidate> = () => ({})): EvictionCandidate[] {
  return Array.from({ length: count }, (_, i) => evictionCandidate(i, overrides(i)))
}
