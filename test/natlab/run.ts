/**
 * Shows what the reachability service does behind a real NAT and a real
 * miniupnpd, in network namespaces that are made for the occasion.
 *
 * node test/natlab/run.ts [--install] [--require] [--json] [--evidence] [scenario]
 *
 * --install   install the Debian packages it needs (also NATLAB_INSTALL=1)
 * --require   fail instead of skipping where it cannot run (also NATLAB_REQUIRE=1)
 * --json      print the result for programs
 * --evidence  write it on the page docs/evidence.md, if all was run and has passed
 * scenario    run only those whose name contains this
 */
/* eslint-disable no-console */
import { markdownTable, writeEvidence } from '../../bench/evidence.ts'
import { GoProgram, buildGo } from '../fixtures/go-program.ts'
import { GO_PEER, GoPeer, goPeerArguments } from '../interop/go-peer.ts'
import { Lab } from './lab.ts'
import { RemotePeer } from './remote-peer.ts'
import { checkRequirements } from './requirements.ts'
import { scenarios } from './scenarios.ts'
import type { Context, Scenario, Server } from './scenarios.ts'
import type { GoPeerCalls } from '../interop/go-peer.ts'

interface Measurement {
  what: string
  seconds: number
}

const args = process.argv.slice(2)
const isJSON = args.includes('--json')

// what is meant for people must not stand between what is meant for programs
const tell = isJSON ? console.error : console.info
const isRequired = args.includes('--require') || process.env.NATLAB_REQUIRE === '1'
const filter = args.find(arg => !arg.startsWith('--')) ?? ''
const requirements = checkRequirements(args.includes('--install') || process.env.NATLAB_INSTALL === '1')

if ('missing' in requirements) {
  tell(`NAT lab skipped: ${requirements.missing}`)
  process.exit(isRequired ? 1 : 0)
}

const PORT = 4001
const GO_PORT = 4002
const go = scenarios.some(scenario => scenario.needsGo === true && scenario.name.includes(filter)) ? await buildGo(GO_PEER) : undefined
let lab: Lab | undefined
let failures = 0

// what was run
const report: Array<{ scenario: string, passed: boolean, measured: Measurement[] }> = []
const start = performance.now()

// whatever happens, nothing is left behind
async function onSignal (): Promise<void> {
  await lab?.down()
  process.exit(1)
}

process.once('SIGINT', onSignal)
process.once('SIGTERM', onSignal)

try {
  for (const cgnat of [false, true]) {
    const chosen = scenarios.filter(scenario => (scenario.cgnat === true) === cgnat && scenario.name.includes(filter))

    if (chosen.length === 0) {
      continue
    }

    lab = new Lab(requirements.miniupnpd)
    await runScenarios(lab, cgnat, chosen)
  }
} catch (err) {
  console.error(err)
  failures++
}

if (isJSON) {
  console.info(JSON.stringify({ failures, scenarios: report }))
}

if (args.includes('--evidence') && failures === 0 && filter === '') {
  await writeEvidence({
    name: 'natlab',
    title: 'Behind a real NAT',
    command: 'npm run test:natlab -- --evidence',
    body: `A node behind a NAT of the kernel and miniupnpd, with AutoNAT servers outside, in network namespaces.\n\n${tableOf(report)}`
  })
}

tell(`${failures === 0 ? 'passed' : `${failures} failed`} in ${((performance.now() - start) / 1_000).toFixed(0)} s`)
process.exit(failures === 0 ? 0 : 1)

function tableOf (rows: typeof report): string {
  return markdownTable(['scenario', 'seconds'], rows.map(({ scenario, measured }) => [
    scenario,
    measured.map(({ what, seconds }) => `${what} ${seconds.toFixed(2)}`).join(', ')
  ]))
}

async function runScenarios (lab: Lab, cgnat: boolean, chosen: Scenario[]): Promise<void> {
  try {
    lab.up(cgnat)
    const servers = await startServers(lab)

    for (const scenario of chosen) {
      await runScenario(lab, scenario, servers)
    }
  } finally {
    await lab.down()
  }
}

async function startServers (lab: Lab): Promise<Server[]> {
  const hosts = lab.internet()

  return Promise.all(hosts.map(async ({ name, ip4, ip6 }, i) => {
    const announce = [`/ip4/${ip4}/tcp/${PORT}`, `/ip6/${ip6}/tcp/${PORT}`]
    // one of them is libp2p's own server; the last one is no server to the node, it is who dials from outside
    const peer = await new RemotePeer(lab, name, {
      listen: announce,
      announce,
      upstream: i === 0,
      reachability: { mapping: { enabled: false }, probe: { enabled: false } }
    }).spawn()
    await peer.call('start')
    const { peer: id } = await peer.call('info')

    return Object.assign(peer, { id, address: `${announce[0]}/p2p/${id}` })
  }))
}

/**
 * A go-libp2p node beside the first of the servers
 */
async function startGoServer (lab: Lab): Promise<GoPeer> {
  if (go == null || 'missing' in go) {
    throw new Error('there is no Go')
  }

  const [{ name, ip4 }] = lab.internet()
  const options = goPeerArguments({ listen: [`/ip4/${ip4}/tcp/${GO_PORT}`], autonat: true })
  const program = new GoProgram<GoPeerCalls>(lab.spawn(name, [go.program, ...options], { stdio: 'pipe' }))

  return new GoPeer(program, await program.call('info'))
}

async function runScenario (lab: Lab, scenario: Scenario, servers: Server[]): Promise<void> {
  if (scenario.needsGo === true && go != null && 'missing' in go) {
    tell(`- ${scenario.name}: skipped, ${go.missing}`)
    return
  }

  const measured: Measurement[] = []
  let passed = false
  const peers: RemotePeer[] = []
  const goPeers: GoPeer[] = []
  const context: Context = {
    lab,
    servers: servers.slice(0, -1),
    outside: servers[servers.length - 1],
    measure: (what, seconds, limit) => {
      measured.push({ what, seconds })

      if (limit != null && seconds > limit) {
        throw new Error(`${what} took ${seconds.toFixed(2)} s, at most ${limit} s are allowed`)
      }
    },
    goServer: async () => {
      const peer = await startGoServer(lab)
      goPeers.push(peer)

      return peer
    },
    node: async (reachability = {}, listen = [`/ip4/0.0.0.0/tcp/${PORT}`, `/ip4/192.168.1.2/udp/${PORT}/quic-v1`]) => {
      const peer = await new RemotePeer(lab, 'lan', { listen, reachability }).spawn()
      peers.push(peer)

      return peer
    }
  }

  try {
    await lab.startGateway(scenario.gateway)
    await scenario.run(context)
    passed = true
    tell(`✔ ${scenario.name}${textOf(measured)}`)
  } catch (err) {
    failures++
    console.error(`✘ ${scenario.name}${textOf(measured)}\n  ${err instanceof Error ? err.stack : String(err)}`)

    for (const { name, detail, at } of [...peers, ...goPeers.map(({ program }) => program)].flatMap(({ events }) => events)) {
      console.error(`  ${(at / 1_000).toFixed(2)} ${name} ${JSON.stringify(detail)}`)
    }
  } finally {
    report.push({ scenario: scenario.name, passed, measured })
    await Promise.all([...peers.map(async peer => peer.kill()), ...goPeers.map(async peer => peer.program.stop())])
    await lab.reset()
  }
}

function textOf (measured: Measurement[]): string {
  return measured.length > 0 ? `: ${measured.map(({ what, seconds }) => `${what} ${seconds.toFixed(2)} s`).join(', ')}` : ''
}
