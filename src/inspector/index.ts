export { Inspector, inspector } from './inspector.ts'
export type { InspectorComponents } from './inspector.ts'
export type { InspectorInit } from './options.ts'
