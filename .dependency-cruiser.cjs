// One module per question. Others import from its index.ts only, and imports only go down this list.
const modules = [
  'inspector',
  'wiring',
  'outbound',
  'dialing',
  'admission',
  'resources',
  'gating',
  'trimming',
  'upkeep',
  'core',
  'reachability',
  'addresses',
  'metrics'
]

// the files that stand above every module, highest first
const top = ['index', 'connection-manager', 'install', 'node-options', 'config', 'connection-bounds']

// the files that every module may use, and that use no module
const below = ['clock', 'constants', 'constants.browser', 'constants.defaults', 'did-you-mean', 'error-message', 'errors', 'follow', 'options', 'random', 'recent-map', 'start-checks', 'user-functions']

// what a module shows, and what of it is fetched on demand only
const entries = '^src/[^/]+/(index|later)\\.ts$'

const topFiles = `^src/(${top.join('|')})\\.ts$`

// the modules that stand above the manager, and see it as its users do
const services = ['inspector']
const serviceFolders = `^src/(${services.join('|')})/`
const topAboveServices = `^src/(${top.filter(file => file !== 'connection-manager').join('|')})\\.ts$`
const moduleFolders = `^src/(${modules.join('|')})/`

const arrows = modules.map((name, index) => {
  const above = modules.slice(0, index)

  return {
    name: `arrows-${name}`,
    comment: `the module ${name} may only use the modules below it`,
    severity: 'error',
    from: { path: `^src/${name}/` },
    to: { path: [services.includes(name) ? topAboveServices : topFiles, ...above.map(other => `^src/${other}/`)] }
  }
})

const topArrows = top.map((file, index) => ({
  name: `arrows-${file}`,
  comment: `src/${file}.ts may only use what stands below it`,
  severity: 'error',
  from: { path: `^src/${file}\\.ts$` },
  to: { path: top.slice(0, index).map(name => `^src/${name}\\.ts$`).concat(file === 'index' ? '^src/nothing-stands-above$' : serviceFolders) }
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'two files that need each other are one concept, or need a third',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'index-between-modules',
      comment: 'others import from the index.ts of a module only, or its later.ts for what is fetched on demand',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: moduleFolders, pathNot: ['^src/$1/', entries] }
    },
    {
      name: 'index-from-above',
      comment: 'others import from the index.ts of a module only, or its later.ts for what is fetched on demand',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: moduleFolders, pathNot: entries }
    },
    {
      name: 'below-uses-no-module',
      comment: 'the clock, the errors and randomness know nothing of connections',
      severity: 'error',
      from: { path: `^src/(${below.join('|')})\\.ts$` },
      to: { path: [moduleFolders, topFiles] }
    },
    {
      name: 'reachability-stands-alone',
      comment: 'reachability is a service of its own, with an entry of its own: what it uses is loaded with it',
      severity: 'error',
      from: { path: '^src/reachability/' },
      to: { path: moduleFolders, pathNot: ['^src/reachability/', '^src/addresses/index\\.ts$'] }
    },
    {
      name: 'known-files',
      comment: 'a file belongs to a module, or stands above or below all of them',
      severity: 'error',
      from: { path: '^src/', pathNot: [moduleFolders, topFiles, `^src/(${below.join('|')})(\\.browser)?\\.ts$`] },
      to: {}
    },
    ...topArrows,
    ...arrows
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types']
    }
  }
}
