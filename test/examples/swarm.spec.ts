import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { planSwarm } from '../../examples/swarm/plan.ts'
import { plot } from '../../examples/swarm/plot.ts'
import { gauge, progressLine } from '../../examples/swarm/progress.ts'
import { Recorder, failures } from '../../examples/swarm/recorder.ts'
import { report } from '../../examples/swarm/report.ts'
import { reportOpen, stubConnection, stubPeerId } from '../fixtures/connections.ts'
import type { Kind } from '../../examples/swarm/plan.ts'
import type { ConnectionManagerEvents } from '../../src/index.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'

describe('examples/swarm', () => {
  describe('plan', () => {
    it('has as many peers as it is asked for, of all kinds, with names of their own', () => {
      const plans = planSwarm(160, 14_000)

      expect(plans).to.have.lengthOf(160)
      expect(new Set(plans.map(({ name }) => name))).to.have.property('size', 160)
      expect(new Set(plans.map(({ kind }) => kind))).to.have.property('size', 6)
      expect(new Set(plans.map(({ transport }) => transport))).to.deep.equal(new Set(['tcp', 'ws']))
    })

    it('gives each peer over TCP an address of its own', () => {
      const hosts = planSwarm(160, 14_000).filter(({ transport }) => transport === 'tcp').map(({ host }) => host)

      expect(new Set(hosts)).to.have.property('size', hosts.length)
    })

    it('gives those who flood more identities than may come from one host at once', () => {
      const identities = planSwarm(160, 14_000).map(({ kind, identities }) => `${kind} ${identities}`)

      expect(new Set(identities)).to.deep.equal(new Set(['validator 1', 'useful 1', 'busy 1', 'idle 1', 'flapping 1', 'flooding 12']))
    })

    it('lets all come within the time', () => {
      expect(Math.max(...planSwarm(160, 14_000).map(({ joinAt }) => joinAt))).to.be.below(14_000)
    })
  })

  describe('plot', () => {
    it('draws bars between two watermarks, over an axis of time', () => {
      const samples = [
        { at: 0, connections: 0 },
        { at: 2_000, connections: 6 },
        { at: 4_000, connections: 12 },
        { at: 6_000, connections: 15 },
        { at: 7_900, connections: 9 }
      ]

      expect(plot(samples, { lowWater: 9, highWater: 12, duration: 10_000, width: 10 })).to.deep.equal([
        '           │      ██',
        '           │      ██',
        '           │      ██',
        '   high 12 ┤▔▔▔▔▇▇▇▇▔▔',
        '           │    ████',
        '           │    ████',
        '     low 9 ┤▔▔▔▔▇▇▇▇▇▇',
        '           │    ██████',
        '           │    ██████',
        '           │  ████████',
        '           │  ████████',
        '           │  ████████',
        '           │  ████████',
        '           │  ████████',
        '           │  ████████',
        '         0 └┬─┬─┬─┬─┬─',
        '            0 2 4 6 8 s'
      ])
    })

    it('draws parts of a row in eighths', () => {
      const [lowest] = plot([{ at: 0, connections: 3 }], { lowWater: 8, highWater: 32, duration: 1_000, width: 4 }).slice(-3)

      expect(lowest).to.equal('     low 8 ┤▃▃▃▃')
    })

    it('keeps its height for any number of connections', () => {
      expect(plot([{ at: 0, connections: 100_000 }], { lowWater: 10, highWater: 12, duration: 1_000 })).to.have.property('length').that.is.below(30)
    })

    it('draws an empty plot where nothing happened', () => {
      expect(plot([], { lowWater: 3, highWater: 6, duration: 1_000, width: 5 })[0]).to.equal('    high 6 ┤▔▔▔▔▔')
    })
  })

  describe('progress', () => {
    const figures = { lowWater: 8, highWater: 10, opened: 20, refused: 3, trimmed: 2, duration: 1_234, final: 9, peak: 12 }

    it('says in one line how it is going', () => {
      expect(progressLine(figures, 'the peers are coming')).to.equal('  1.2 s  9 open · 2 trimmed · 3 refused  the peers are coming')
    })

    it('shows how full the node is, between the watermarks', () => {
      expect(gauge(figures)).to.equal('███████████████████┃██░░┃░░░░░')
    })
  })

  describe('recorder', () => {
    let events: TypedEventEmitter<Libp2pEvents>
    let manager: TypedEventEmitter<ConnectionManagerEvents>
    let guarded: PeerId
    let recorder: Recorder
    let time: number

    beforeEach(() => {
      events = new TypedEventEmitter()
      manager = new TypedEventEmitter()
      guarded = stubPeerId()
      time = 5_000
      recorder = create([])
    })

    function create (members: Array<{ peerId: string, name: string, kind: Kind }>): Recorder {
      return new Recorder({ events, manager, isProtected: peerId => peerId.equals(guarded), now: () => time }, { lowWater: 2, highWater: 3, members })
    }

    function open (remotePeer?: PeerId): StubConnection {
      return reportOpen(events, stubConnection({ remotePeer }))
    }

    it('counts what the events say', () => {
      const first = open()
      open()
      open(guarded)
      first.remoteClose()

      expect(recorder.record()).to.include({ opened: 3, closed: 1, peak: 3, final: 2, protected: 1, protectedSurvived: 1, trimmed: 0, refused: 0 })
      expect(failures(recorder.record())).to.be.empty()
    })

    it('samples how many connections are open', () => {
      time += 100
      const connection = open()
      time += 100
      connection.remoteClose()

      expect(recorder.record().samples.slice(0, 3)).to.deep.equal([
        { at: 0, connections: 0 },
        { at: 100, connections: 1 },
        { at: 200, connections: 0 }
      ])
    })

    it('finds a protected peer that was closed', () => {
      open(guarded).remoteClose()
      open(guarded)

      expect(recorder.record()).to.include({ protected: 1, protectedSurvived: 0, final: 1 })
      expect(failures(recorder.record())).to.deep.equal([`protected peers lost a connection: ${guarded}`])
      expect(report(recorder.record())).to.include('✘ protected peers lost a connection')
    })

    it('finds too many connections in the end', () => {
      Array.from({ length: 4 }, () => open())

      expect(failures(recorder.record())).to.deep.equal(['4 connections are open in the end, more than the high watermark of 3'])
    })

    it('says who was trimmed, by name', () => {
      const peerId = stubPeerId()
      recorder.stop()
      recorder = create([{ peerId: peerId.toString(), name: 'idle-7', kind: 'idle' }])
      const connection = stubConnection({ remotePeer: peerId })
      const closed = [{ connection, peerId, value: 0, duplicate: false, streams: 1, direction: 'inbound' as const, age: 2_500 }]
      time += 4_000
      manager.safeDispatchEvent('connection:trim', { detail: { reason: 'high-water', before: 4, wanted: 1, closed, kept: { protected: 0, inGrace: 0, allowListed: 0 }, complete: true } })

      expect(recorder.record()).to.include({ trimmed: 1, trims: 1 })
      expect(recorder.record().trimmedByKind).to.deep.equal({ idle: 1 })
      expect(report(recorder.record())).to.include('idle-7        at  4.0 s   value 0 · 1 stream · open for 2.5 s')
    })

    it('says who was refused, and why', () => {
      const { remoteAddr } = stubConnection()
      const detail = { reason: 'rate', remoteAddr, scope: 'ip:127.0.6.1', current: 8, limit: 8 } as const
      manager.safeDispatchEvent('connection:refuse', { detail })
      manager.safeDispatchEvent('connection:refuse', { detail })

      expect(recorder.record()).to.have.property('refused', 2)
      expect(report(recorder.record())).to.include('   2  more than 8 from one host within a second: 127.0.6.1 (2)')
    })

    it('writes nothing down any more when it is stopped', () => {
      recorder.stop()
      open()

      expect(recorder.record()).to.include({ opened: 0, peak: 0 })
    })
  })
})
