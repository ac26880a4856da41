import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { ExecFileSyncOptions } from 'node:child_process'

const PACKAGES = ['iproute2', 'nftables', 'conntrack', 'procps', 'libmnl0', 'libnftnl11']

// unpacked, not installed: installing it would start a service on this machine
const GATEWAY_PACKAGE = 'miniupnpd-nftables'
const UNPACKED = path.join(os.tmpdir(), 'natlab-packages')

/**
 * Find out what the lab cannot do without. With `install`, missing packages are
 * installed by apt-get.
 */
export function checkRequirements (install: boolean): { miniupnpd: string } | { missing: string } {
  if (process.platform !== 'linux') {
    return { missing: 'it needs Linux, this is ' + process.platform }
  }

  if (process.getuid?.() !== 0) {
    return { missing: 'it needs root, to make network namespaces' }
  }

  if (install && (missingPrograms().length > 0 || findGateway() == null)) {
    installPackages()
  }

  const programs = missingPrograms()
  const miniupnpd = findGateway()

  if (programs.length > 0 || miniupnpd == null) {
    const names = [...programs, ...(miniupnpd == null ? ['miniupnpd (nftables)'] : [])]

    return { missing: `${names.join(', ')} not found; run with --install, or install ${[...PACKAGES, GATEWAY_PACKAGE].join(' ')}` }
  }

  const name = `natlab-probe${process.pid}`

  try {
    run('ip', 'netns', 'add', name)
    run('ip', 'netns', 'exec', name, 'nft', 'add', 'table', 'ip', 'probe')
  } catch (err) {
    return { missing: `network namespaces with nftables do not work here: ${String(err).trim()}` }
  } finally {
    try {
      run('ip', 'netns', 'del', name)
    } catch {
      // it was never there
    }
  }

  return { miniupnpd }
}

function missingPrograms (): string[] {
  return ['ip', 'ss', 'nft', 'conntrack', 'sysctl'].filter(program => find(program) == null)
}

function findGateway (): string | undefined {
  const unpacked = path.join(UNPACKED, 'usr/sbin/miniupnpd')
  const candidates = [process.env.MINIUPNPD, fs.existsSync(unpacked) ? unpacked : undefined, find('miniupnpd')]

  return candidates.find(candidate => candidate != null)
}

function installPackages (): void {
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }

  try {
    execFileSync('apt-get', ['update', '-qq'], options)
    execFileSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...PACKAGES], options)
    fs.mkdirSync(UNPACKED, { recursive: true })
    execFileSync('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', GATEWAY_PACKAGE], { ...options, cwd: UNPACKED })
    const [file] = fs.readdirSync(UNPACKED).filter(name => name.endsWith('.deb'))
    execFileSync('dpkg', ['-x', path.join(UNPACKED, file), UNPACKED], options)
  } catch (err) {
    process.stderr.write(`could not install packages: ${String(err)}\n`)
  }
}

function find (program: string): string | undefined {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin']
    .map(dir => path.join(dir, program))
    .find(file => fs.existsSync(file))
}

function run (...command: string[]): string {
  return execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
