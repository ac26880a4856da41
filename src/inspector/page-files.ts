import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/**
 * A file of the page
 */
export interface PageFile {
  readonly type: string
  readonly content: Buffer
}

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml'
}

/**
 * These and no others: what a request asks for is looked up here and never becomes a
 * path
 */
const FILES = ['index.html', 'style.css', 'icon.svg', 'main.js', 'stream.js', 'chart.js', 'chart-text.js', 'peers.js', 'panels.js', 'actions.js', 'decision-text.js', 'dom.js', 'format.js']

/**
 * These come from packages, by the path that they are asked for by
 */
const PACKAGE_FILES = {
  '/uplot.js': 'uplot/dist/uPlot.esm.js',
  '/uplot.css': 'uplot/dist/uPlot.min.css'
}

/**
 * The compiler copies no HTML, so what is compiled takes the page from the sources
 * beside it
 */
const FOLDERS = ['./page/', '../../../src/inspector/page/'].map(folder => new URL(folder, import.meta.url))

/**
 * The files of the page by the path that they are asked for by
 *
 * @throws {Error} if they are not installed beside the code
 */
export async function loadPage (): Promise<ReadonlyMap<string, PageFile>> {
  const folder = FOLDERS.find(folder => existsSync(new URL('index.html', folder)))

  if (folder == null) {
    throw new Error('The page of the inspector is not installed beside its code, perhaps because that was bundled')
  }

  const { resolve } = createRequire(import.meta.url)
  const page = new Map(await Promise.all([
    ...FILES.map(async name => load(`/${name}`, new URL(name, folder))),
    ...Object.entries(PACKAGE_FILES).map(async ([path, file]) => load(path, resolve(file)))
  ]))
  const index = page.get('/index.html')

  if (index != null) {
    page.set('/', index)
  }

  return page
}

async function load (path: string, from: URL | string): Promise<[string, PageFile]> {
  return [path, { type: TYPES[path.slice(path.lastIndexOf('.') + 1)], content: await readFile(from) }]
}
