import { expect } from 'aegir/chai'
import { isLoopbackName, resolveInspector } from '../../src/inspector/options.ts'

describe('inspector/options', () => {
  it('listens on loopback, and is read-only, if nothing else is asked for', () => {
    expect(resolveInspector({})).to.deep.equal({
      host: '127.0.0.1',
      port: 8_950,
      token: undefined,
      allowedHosts: ['127.0.0.1'],
      interval: 1_000,
      maxStreams: 16,
      maxPeers: 10_000
    })
  })

  it('does not listen for others without a token', () => {
    expect(() => resolveInspector({ host: '0.0.0.0' })).to.throw('"inspector.host" must be a loopback address, as there is no token, got "0.0.0.0"')
    expect(resolveInspector({ host: '0.0.0.0', token: 'sixteen characters' })).to.have.property('host', '0.0.0.0')
  })

  it('refuses a token that can be guessed, without telling it', () => {
    expect(() => resolveInspector({ token: 'hunter2' })).to.throw('at least 16 characters')
      .with.property('message').that.does.not.include('hunter2')
  })

  it('refuses options that it does not know, and values that make no sense', () => {
    expect(() => resolveInspector({ prot: 1 } as object)).to.throw('"inspector.prot"')
    expect(() => resolveInspector({ port: 65_536 })).to.throw('"inspector.port" must be a port')
    expect(() => resolveInspector({ interval: 1 })).to.throw('"inspector.interval"')
  })

  it('knows the names of this machine', () => {
    expect(['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]'].every(isLoopbackName)).to.be.true()
    expect(['localhost.example.org', '128.0.0.1', '127.0.0.1.example.org', '0.0.0.0', '::', ''].some(isLoopbackName)).to.be.false()
  })
})
