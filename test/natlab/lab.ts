import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/**
 * Where the internet's nodes are. Each has another first octet, as servers that
 * are strangers to each other have.
 */
const INTERNET = ['5.5.5', '23.23.23', '45.45.45', '62.62.62']
const HOME = '192.168.1'
const HOME_IPV6 = '2a02:aa:1:'

export const WAN = '81.2.69.10'
export const CGNAT_WAN = '100.64.0.10'

/**
 * What the gateway speaks
 */
export interface GatewayOptions {
  igd1?: boolean
  upnp?: boolean
  portControl?: boolean
}

/**
 * A machine on the internet
 */
export interface Host {
  name: string
  ip4: string
  ip6: string
}

/**
 * A home network behind a real NAT with a real miniupnpd, an internet provider,
 * and a few machines on the internet, all in network namespaces of their own:
 *
 * lan 192.168.1.2 - router 81.2.69.10 - provider - internet 5.5.5.2 23.23.23.2 ...
 *
 * No interface of it ends in the namespace of the machine, so nothing gets out.
 */
export class Lab {
  private readonly miniupnpd: string
  private readonly prefix = `natlab${process.pid}-`
  private readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'natlab-'))
  private readonly names: string[] = []
  private readonly children = new Set<ChildProcess>()
  private wan = WAN
  private gateway?: ChildProcess
  private gatewayOptions: GatewayOptions = {}

  constructor (miniupnpd: string) {
    this.miniupnpd = miniupnpd
  }

  up (cgnat: boolean): void {
    for (const name of ['lan', 'router', 'isp', ...INTERNET.map((_, i) => `net${i}`)]) {
      this.names.push(name)
      run('ip', 'netns', 'add', this.prefix + name)
      this.in(name, 'ip', 'link', 'set', 'lo', 'up')
      this.in(name, 'sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0')
    }

    for (const name of ['router', 'isp']) {
      this.in(name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    }

    const wan = this.wan = cgnat ? CGNAT_WAN : WAN
    this.link('lan', 'eth0', [`${HOME}.2/24`, `${HOME_IPV6}:2/64`], 'router', 'lan0', [`${HOME}.1/24`, `${HOME_IPV6}:1/64`])
    this.link('router', 'wan0', [`${wan}/24`, '2a02:bb::2/64'], 'isp', 'home0', [`${gatewayOf(wan)}/24`, '2a02:bb::1/64'])
    this.route('lan', `${HOME}.1`, `${HOME_IPV6}:1`)
    this.route('router', gatewayOf(wan), '2a02:bb::1')
    this.in('isp', 'ip', '-6', 'route', 'add', `${HOME_IPV6}:/64`, 'via', '2a02:bb::2')

    INTERNET.forEach((network, i) => {
      this.link(`net${i}`, 'eth0', [`${network}.2/24`, `2a0${i + 3}:cc::2/64`], 'isp', `net${i}`, [`${network}.1/24`, `2a0${i + 3}:cc::1/64`])
      this.route(`net${i}`, `${network}.1`, `2a0${i + 3}:cc::1`)
    })

    this.rules('router', `
      table inet filter {
        chain forward {
          type filter hook forward priority 0; policy drop;
          ct state established,related accept
          iifname "lan0" accept
          ct status dnat accept
          meta l4proto ipv6-icmp accept
          jump miniupnpd
        }
        chain input {
          type filter hook input priority 0; policy accept;
          iifname "wan0" ct state new meta l4proto { tcp, udp } drop
        }
        chain miniupnpd { }
        chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
        chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; meta nfproto ipv4 oifname "wan0" masquerade; }
        chain prerouting_miniupnpd { }
        chain postrouting_miniupnpd { }
      }`)

    if (cgnat) {
      this.in('isp', 'ip', 'addr', 'add', `${WAN}/32`, 'dev', 'lo')
      this.rules('isp', `
        table ip cgnat {
          chain post {
            type nat hook postrouting priority 100; policy accept;
            ip saddr 100.64.0.0/10 snat to ${WAN}
          }
        }`)
    }
  }

  /**
   * Start what makes the router a gateway
   */
  async startGateway ({ igd1 = false, upnp = true, portControl = true }: GatewayOptions = {}): Promise<void> {
    this.gatewayOptions = { igd1, upnp, portControl }
    const config = path.join(this.dir, 'miniupnpd.conf')
    const yes = (on: boolean): string => on ? 'yes' : 'no'
    fs.writeFileSync(path.join(this.dir, 'leases'), '')
    fs.writeFileSync(config, [
      'ext_ifname=wan0',
      'ext_ifname6=wan0',
      'listening_ip=lan0',
      'http_port=5000',
      `enable_natpmp=${yes(portControl)}`,
      `enable_upnp=${yes(upnp)}`,
      'min_lifetime=120',
      'max_lifetime=86400',
      'secure_mode=yes',
      'system_uptime=no',
      'notify_interval=30',
      'uuid=73a8c5a0-21ef-4d1a-9a5c-2f3a1d0b7f11',
      'serial=1',
      'model_number=1',
      `minissdpdsocket=${path.join(this.dir, 'none.sock')}`,
      'upnp_table_name=filter',
      'upnp_nat_table_name=filter',
      `lease_file=${path.join(this.dir, 'leases')}`,
      `force_igd_desc_v1=${yes(igd1)}`,
      `allow 1024-65535 ${HOME}.0/24 1024-65535`,
      'deny 0-65535 0.0.0.0/0 0-65535',
      ''
    ].join('\n'))

    this.gateway = this.spawn('router', [this.miniupnpd, '-f', config, '-P', path.join(this.dir, 'miniupnpd.pid'), '-d'], { stdio: ['ignore', 'ignore', fs.openSync(path.join(this.dir, 'miniupnpd.log'), 'w')] })

    // it is there once it listens
    await until(() => this.in('router', 'ss', '-Hlunt').includes(portControl ? ':5351' : ':5000'), 'the gateway to listen')
  }

  async stopGateway (): Promise<void> {
    await this.kill(this.gateway)
    this.gateway = undefined
  }

  /**
   * Back to how it was made, with a gateway that is off
   */
  async reset (): Promise<void> {
    await this.stopGateway()
    this.flush()

    const addresses = this.in('router', 'ip', '-4', '-o', 'addr', 'show', 'dev', 'wan0')

    if (!addresses.includes(` ${this.wan}/24 `)) {
      this.in('router', 'ip', '-4', 'addr', 'flush', 'dev', 'wan0')
      this.in('router', 'ip', 'addr', 'add', `${this.wan}/24`, 'dev', 'wan0')
      this.in('router', 'ip', 'route', 'replace', 'default', 'via', gatewayOf(this.wan))
    }
  }

  /**
   * The router restarts: what it forwarded and what it knew is gone
   */
  async reboot (): Promise<void> {
    await this.stopGateway()
    this.flush()
    await sleep(2_000)
    await this.startGateway(this.gatewayOptions)
  }

  /**
   * The provider gives the router another address
   */
  changeWAN (address: string): void {
    const old = this.wanAddress()
    this.in('router', 'sysctl', '-qw', 'net.ipv4.conf.wan0.promote_secondaries=1')
    this.in('router', 'ip', 'addr', 'add', `${address}/24`, 'dev', 'wan0')
    this.in('router', 'ip', 'addr', 'del', old, 'dev', 'wan0')
    this.in('router', 'ip', 'route', 'replace', 'default', 'via', gatewayOf(address))
    this.in('router', 'conntrack', '-F')
  }

  /**
   * The router loses its address
   */
  outage (): void {
    const old = this.wanAddress()
    this.in('router', 'ip', 'addr', 'del', old, 'dev', 'wan0')
  }

  /**
   * The router has its address again
   */
  outageOver (): void {
    this.in('router', 'ip', 'addr', 'add', `${this.wan}/24`, 'dev', 'wan0')
    this.in('router', 'ip', 'route', 'replace', 'default', 'via', gatewayOf(this.wan))
  }

  wanAddress (): string {
    return this.in('router', 'ip', '-4', '-o', 'addr', 'show', 'dev', 'wan0').trim().split(/\s+/)[3]
  }

  flush (): void {
    for (const chain of ['miniupnpd', 'prerouting_miniupnpd', 'postrouting_miniupnpd']) {
      this.in('router', 'nft', 'flush', 'chain', 'inet', 'filter', chain)
    }

    this.in('router', 'conntrack', '-F')
  }

  /**
   * What the gateway granted, one line each
   */
  leases (): string[] {
    const file = path.join(this.dir, 'leases')

    // the gateway replaces it, and for a moment there is none
    return (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '').split('\n').filter(line => line !== '')
  }

  /**
   * How many rules let something in
   */
  forwards (): number {
    const rules = this.in('router', 'nft', 'list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd') + this.in('router', 'nft', 'list', 'chain', 'inet', 'filter', 'miniupnpd')

    return rules.split('\n').filter(line => /dnat|accept/.test(line)).length
  }

  internet (): Host[] {
    return INTERNET.map((network, i) => ({ name: `net${i}`, ip4: `${network}.2`, ip6: `2a0${i + 3}:cc::2` }))
  }

  /**
   * Run a program in a namespace until it ends
   */
  in (name: string, ...command: string[]): string {
    return run('ip', 'netns', 'exec', this.prefix + name, ...command)
  }

  /**
   * Start a program in a namespace
   */
  spawn (name: string, command: string[], options: SpawnOptions): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.prefix + name, ...command], options)
    this.children.add(child)
    child.on('exit', () => { this.children.delete(child) })

    return child
  }

  async kill (child?: ChildProcess): Promise<void> {
    if (child == null || child.exitCode != null || child.signalCode != null) {
      return
    }

    const ended = new Promise(resolve => { child.once('exit', resolve) })
    child.kill()
    const timer = setTimeout(() => { child.kill('SIGKILL') }, 3_000)
    await ended
    clearTimeout(timer)
  }

  /**
   * Remove everything. Harmless when half of it was never there.
   */
  async down (): Promise<void> {
    await Promise.all([...this.children].map(async child => this.kill(child)))

    for (const name of this.names.splice(0)) {
      try {
        run('ip', 'netns', 'del', this.prefix + name)
      } catch (err) {
        process.stderr.write(`could not remove ${this.prefix + name}: ${String(err)}\n`)
      }
    }

    fs.rmSync(this.dir, { recursive: true, force: true })
  }

  private link (a: string, deviceA: string, addressesA: string[], b: string, deviceB: string, addressesB: string[]): void {
    run('ip', 'link', 'add', deviceA, 'netns', this.prefix + a, 'type', 'veth', 'peer', 'name', deviceB, 'netns', this.prefix + b)

    for (const [name, device, addresses] of [[a, deviceA, addressesA], [b, deviceB, addressesB]] as const) {
      for (const address of addresses) {
        this.in(name, 'ip', 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []))
      }

      this.in(name, 'ip', 'link', 'set', device, 'up')
    }
  }

  private route (name: string, via4: string, via6: string): void {
    this.in(name, 'ip', 'route', 'add', 'default', 'via', via4)
    this.in(name, 'ip', '-6', 'route', 'add', 'default', 'via', via6)
  }

  private rules (name: string, text: string): void {
    execFileSync('ip', ['netns', 'exec', this.prefix + name, 'nft', '-f', '-'], { input: text, stdio: ['pipe', 'pipe', 'pipe'] })
  }
}

export async function sleep (ms: number): Promise<void> {
  await new Promise(resolve => { setTimeout(resolve, ms) })
}

/**
 * Wait until something is true. Resolves to the seconds that took.
 */
export async function until (isTrue: () => boolean | Promise<boolean>, what: string, timeout = 15_000): Promise<number> {
  const start = performance.now()

  while (!await isTrue()) {
    if (performance.now() - start > timeout) {
      throw new Error(`waited ${timeout / 1_000} s for ${what}`)
    }

    await sleep(25)
  }

  return (performance.now() - start) / 1_000
}

function gatewayOf (address: string): string {
  return `${address.split('.').slice(0, 3).join('.')}.1`
}

function run (...command: string[]): string {
  return execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
