import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect } from 'aegir/chai'

const ROOT = new URL('../..', import.meta.url).pathname
const MANAGER = join(ROOT, 'src/connection-manager.ts')

/**
 * What a file imports or exports that is there at run time
 */
function importsOf (file: string): string[] {
  const statements = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )(?:[^'\n]* from )?'([^'\n]+)'$/gm)

  return [...statements].map(([, specifier]) => specifier.startsWith('.') ? join(dirname(file), specifier) : specifier)
}

/**
 * What a file imports on demand
 */
function fetchedBy (file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/await import\('([^']+)'\)/g)].map(([, specifier]) => join(dirname(file), specifier))
}

/**
 * All files and packages that are there once a file is
 */
function closureOf (file: string): Set<string> {
  const closure = new Set([file])

  for (const found of closure) {
    if (existsSync(found)) {
      importsOf(found).forEach(imported => { closure.add(imported) })
    }
  }

  return closure
}

describe('what the connection manager fetches on demand', () => {
  const always = closureOf(MANAGER)
  const onDemand = [...always].filter(file => existsSync(file)).flatMap(fetchedBy)

  it('is found', () => {
    expect(onDemand.map(file => relative(ROOT, file))).to.have.members(['src/wiring/create-top-up.ts', 'src/wiring/explain.ts', 'src/wiring/recycler.ts', 'src/wiring/register-metrics.ts'])
  })

  it('is not there before', () => {
    expect(onDemand.filter(file => always.has(file))).to.deep.equal([])
  })
})
