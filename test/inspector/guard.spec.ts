import { expect } from 'aegir/chai'
import { refusalOf } from '../../src/inspector/guard.ts'

describe('inspector/guard', () => {
  const hosts = ['127.0.0.1']

  it('lets the names of this machine pass, on any port, as the port may be forwarded', () => {
    for (const host of ['127.0.0.1:8950', 'localhost:8950', 'localhost', '[::1]:9000', 'LocalHost:1']) {
      expect(refusalOf({ host }, hosts), host).to.be.undefined()
    }
  })

  it('refuses other names, which may have been made to lead here', () => {
    for (const host of ['evil.example:8950', '127.0.0.1.evil.example', 'localhost.evil.example', 'localhost@evil.example', 'evil.example#localhost', '', 'localhost:8950:80', 'local host', '127.0.0.1, localhost']) {
      expect(refusalOf({ host }, hosts), host).to.equal('This name is not allowed')
    }

    expect(refusalOf({}, hosts)).to.equal('This name is not allowed')
  })

  it('lets names pass that are allowed', () => {
    expect(refusalOf({ host: 'node.example:8950' }, ['node.example'])).to.be.undefined()
    expect(refusalOf({ host: '[fd00::1]:8950' }, ['fd00::1'])).to.be.undefined()
  })

  it('refuses other origins, those of other ports included', () => {
    const host = 'localhost:8950'

    expect(refusalOf({ host, origin: 'http://localhost:8950' }, hosts)).to.be.undefined()

    for (const origin of ['http://localhost:3000', 'https://evil.example', 'null', 'http://localhost:8950.evil.example', 'file://', '']) {
      expect(refusalOf({ host, origin }, hosts), origin).to.equal('This origin is not allowed')
    }
  })

  it('refuses what a browser says comes from another site', () => {
    const host = 'localhost:8950'

    expect(refusalOf({ host, 'sec-fetch-site': 'same-origin' }, hosts)).to.be.undefined()
    expect(refusalOf({ host, 'sec-fetch-site': 'none' }, hosts)).to.be.undefined()
    expect(refusalOf({ host, 'sec-fetch-site': 'cross-site' }, hosts)).to.equal('Requests from other sites are not allowed')
    expect(refusalOf({ host, 'sec-fetch-site': 'same-site' }, hosts)).to.equal('Requests from other sites are not allowed')
  })
})
