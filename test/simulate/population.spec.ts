import { expect } from 'aegir/chai'
import { createPopulation } from '../../simulate/population.ts'
import { SeededRandom } from '../../simulate/seeded-random.ts'
import { addressGroup } from '../../src/addresses/index.ts'
import type { PopulationInit } from '../../simulate/population.ts'

const INIT: PopulationInit = { seed: 7, honest: 2_000, attackers: 3_000, groups: 16, effort: 'mimic' }

describe('simulate/population', () => {
  it('every node has an address of its own', () => {
    const { honest, attackers } = createPopulation({ ...INIT, groups: 1 })
    const hosts = [...honest, ...attackers].map(({ host }) => host)

    expect(hosts).to.have.lengthOf(5_000)
    expect(new Set(hosts).size).to.equal(5_000)
  })

  it('the attacker has as many networks as are asked for, half of them with honest nodes', () => {
    const { honest, attackers } = createPopulation(INIT)
    const networks = new Set(attackers.map(({ group }) => group))
    const honestNetworks = new Set(honest.map(({ group }) => group))

    expect(networks.size).to.equal(16)
    expect([...networks].filter(network => honestNetworks.has(network))).to.have.lengthOf(8)
  })

  it('the groups are those that addresses are put in', () => {
    const { honest } = createPopulation(INIT)

    for (const node of honest.slice(0, 50)) {
      expect(addressGroup(node.multiaddr)).to.equal(`${node.group >>> 8}.${node.group & 255}.0.0/16`)
    }
  })

  it('an idle attacker is worth nothing, a keen one as much as the best', () => {
    expect(Math.max(...createPopulation({ ...INIT, effort: 'idle' }).attackers.map(({ value }) => value))).to.equal(0)

    const { honest, attackers } = createPopulation({ ...INIT, effort: 'keen' })
    expect(Math.min(...attackers.map(({ value }) => value))).to.equal(Math.max(...honest.map(({ value }) => value)))
    expect(Math.max(...attackers.map(({ rtt }) => rtt))).to.be.lessThan(Math.min(...honest.map(({ rtt }) => rtt)))
  })

  it('the same seed gives the same nodes, another one gives others', () => {
    const describeAll = (init: PopulationInit): string[] => createPopulation(init).honest.map(({ ip, rtt, value }) => `${ip} ${rtt} ${value}`)

    expect(describeAll(INIT)).to.deep.equal(describeAll(INIT))
    expect(describeAll(INIT)).to.not.deep.equal(describeAll({ ...INIT, seed: 8 }))
    expect(createPopulation(INIT).honest[0].peerId.toString()).to.equal(createPopulation(INIT).honest[0].peerId.toString())
  })

  it('what the attacker has changes nothing about honest nodes', () => {
    const hosts = (init: PopulationInit): number[] => createPopulation(init).honest.map(({ host }) => host)

    expect(hosts(INIT)).to.deep.equal(hosts({ ...INIT, attackers: 10, groups: 4_096, effort: 'idle' }))
  })

  it('draws numbers that are spread evenly, and unlike those of other seeds', () => {
    const draw = (...seed: number[]): number[] => {
      const random = new SeededRandom(...seed)

      return Array.from({ length: 10_000 }, () => random.next())
    }
    const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length

    expect(mean(draw(1))).to.be.closeTo(0.5, 0.02)
    expect(Math.min(...draw(1, 2))).to.be.at.least(0)
    expect(Math.max(...draw(1, 2))).to.be.lessThan(1)
    expect(draw(1, 2)).to.not.deep.equal(draw(2, 1))

    const exponential = new SeededRandom(3)
    expect(mean(Array.from({ length: 10_000 }, () => exponential.exponential(50)))).to.be.closeTo(50, 3)
  })
})
