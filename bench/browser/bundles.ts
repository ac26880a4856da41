import { relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Metafile } from 'esbuild'

/**
 * What a browser has to load for a page
 */
export interface Bundle {
  readonly name: string

  /**
   * How many bytes the minified code has that is fetched at once
   */
  readonly minified: number

  /**
   * How many of them go over the wire
   */
  readonly gzip: number

  /**
   * How many more go over the wire, if the page uses all that is fetched on demand
   */
  readonly onDemand: number

  /**
   * The bytes of minified code by room of this package
   */
  readonly rooms: Readonly<Record<string, number>>

  /**
   * The packages that it holds modules of
   */
  readonly packages: readonly string[]
}

/**
 * The services of a page beside those that libp2p nodes commonly have
 */
const PAGES: Record<string, string[]> = {
  libp2p: [],
  connectionManager: ['connectionManager'],
  'connectionManager, reachability': ['connectionManager', 'reachability'],
  'connectionManager, inspector': ['connectionManager', 'inspector']
}

/**
 * Nothing is written there
 */
const OUTDIR = 'bundle'

const ROOT = new URL('../..', import.meta.url).pathname

/**
 * The pages as a bundler for browsers makes them of the built package
 */
export async function bundles (): Promise<Bundle[]> {
  return Promise.all(Object.entries(PAGES).map(async ([name, services]) => bundle(name, services)))
}

async function bundle (name: string, services: string[]): Promise<Bundle> {
  const { metafile: { outputs }, outputFiles } = await build({
    stdin: { contents: page(services), resolveDir: ROOT, loader: 'js' },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    outdir: OUTDIR,
    minify: true,
    treeShaking: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    write: false,
    logLevel: 'error'
  })
  const atOnce = fetchedAtOnce(outputs)
  const isAtOnce = (path: string): boolean => atOnce.has(relative(ROOT, path))
  const rooms: Record<string, number> = {}
  const packages = new Set<string>()

  for (const [file, { bytesInOutput }] of [...atOnce].flatMap(output => Object.entries(outputs[output].inputs))) {
    const room = /^dist\/src\/([^/]+)/.exec(file)?.[1].replace('.js', '')
    const dependency = /.*node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1]

    if (room != null && bytesInOutput > 0) {
      rooms[room] = (rooms[room] ?? 0) + bytesInOutput
    }

    if (dependency != null && bytesInOutput > 0) {
      packages.add(dependency)
    }
  }

  const first = outputFiles.filter(({ path }) => isAtOnce(path))
  const later = outputFiles.filter(({ path }) => !isAtOnce(path))

  return {
    name,
    minified: sum(first.map(({ contents }) => contents.length)),
    gzip: sum(first.map(gzipSize)),
    onDemand: sum(later.map(gzipSize)),
    rooms,
    packages: [...packages]
  }
}

/**
 * The file that the page names, and those that it imports without being asked
 */
function fetchedAtOnce (outputs: Metafile['outputs']): Set<string> {
  const found = new Set(Object.keys(outputs).filter(output => outputs[output].entryPoint === '<stdin>'))

  for (const output of found) {
    for (const { kind, path } of outputs[output].imports) {
      if (kind === 'import-statement') {
        found.add(path)
      }
    }
  }

  return found
}

/**
 * Each file is compressed on its own
 */
function gzipSize ({ contents }: { contents: Uint8Array }): number {
  return gzipSync(contents, { level: 9 }).length
}

function sum (numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

function page (services: string[]): string {
  return `
    import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
    import { identify } from '@libp2p/identify'
    import { noise } from '@libp2p/noise'
    import { ping } from '@libp2p/ping'
    import { webRTC, webRTCDirect } from '@libp2p/webrtc'
    import { webSockets } from '@libp2p/websockets'
    import { yamux } from '@libp2p/yamux'
    import { createLibp2p } from 'libp2p'
    ${services.length === 0 ? '' : `import { ${services.join(', ')} } from 'libp2p-connmgr'`}

    globalThis.node = await createLibp2p({
      transports: [webSockets(), webRTC(), webRTCDirect(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        ${services.map(name => `${name}: ${name}(),`).join('\n')}
        identify: identify(),
        ping: ping()
      }
    })
  `
}
