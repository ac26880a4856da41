// The house of DESIGN: one room per question, entered through its door, with
// arrows that only go down this list.
const rooms = [
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

// what stands above every room, highest first
const roof = ['index', 'connection-manager', 'install', 'node-options', 'config', 'connection-bounds']

// what every room may use, and which uses no room
const ground = ['clock', 'constants', 'constants.browser', 'constants.defaults', 'did-you-mean', 'error-message', 'errors', 'follow', 'options', 'random', 'recent-map', 'start-checks', 'user-functions']

// what a room shows, and what of it is fetched on demand only
const doors = '^src/[^/]+/(index|later)\\.ts$'

const roofFiles = `^src/(${roof.join('|')})\\.ts$`

// the rooms that stand above the manager, and see it as its users do
const guests = ['inspector']
const guestFolders = `^src/(${guests.join('|')})/`
const roofAboveGuests = `^src/(${roof.filter(file => file !== 'connection-manager').join('|')})\\.ts$`
const roomFolders = `^src/(${rooms.join('|')})/`

const arrows = rooms.map((room, index) => {
  const above = rooms.slice(0, index)

  return {
    name: `arrows-${room}`,
    comment: `the room ${room} may only use the rooms below it`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: [guests.includes(room) ? roofAboveGuests : roofFiles, ...above.map(name => `^src/${name}/`)] }
  }
})

const roofArrows = roof.map((file, index) => ({
  name: `arrows-${file}`,
  comment: `src/${file}.ts may only use what stands below it`,
  severity: 'error',
  from: { path: `^src/${file}\\.ts$` },
  to: { path: roof.slice(0, index).map(name => `^src/${name}\\.ts$`).concat(file === 'index' ? '^src/nothing-stands-above$' : guestFolders) }
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
      name: 'door-between-rooms',
      comment: 'a room is entered through its index.ts only, or its later.ts for what is fetched on demand',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: roomFolders, pathNot: ['^src/$1/', doors] }
    },
    {
      name: 'door-from-the-roof',
      comment: 'a room is entered through its index.ts only, or its later.ts for what is fetched on demand',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: roomFolders, pathNot: doors }
    },
    {
      name: 'ground-uses-no-room',
      comment: 'the clock, the errors and randomness know nothing of connections',
      severity: 'error',
      from: { path: `^src/(${ground.join('|')})\\.ts$` },
      to: { path: [roomFolders, roofFiles] }
    },
    {
      name: 'reachability-stands-alone',
      comment: 'reachability is a service of its own, with an entry of its own: what it uses is loaded with it',
      severity: 'error',
      from: { path: '^src/reachability/' },
      to: { path: roomFolders, pathNot: ['^src/reachability/', '^src/addresses/index\\.ts$'] }
    },
    {
      name: 'known-files',
      comment: 'a file belongs to a room, the roof or the ground',
      severity: 'error',
      from: { path: '^src/', pathNot: [roomFolders, roofFiles, `^src/(${ground.join('|')})(\\.browser)?\\.ts$`] },
      to: {}
    },
    ...roofArrows,
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
