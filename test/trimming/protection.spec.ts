import { expect } from 'aegir/chai'
import { Protection } from '../../src/trimming/protection.ts'

describe('trimming/protection', () => {
  it('protects a peer with a tag', () => {
    const protection = new Protection()
    protection.protect('peer', 'a')

    expect(protection.isProtected('peer')).to.be.true()
    expect(protection.isProtected('peer', 'a')).to.be.true()
    expect(protection.isProtected('peer', 'b')).to.be.false()
    expect(protection.isProtected('other')).to.be.false()
    expect(protection.tags('peer')).to.deep.equal(['a'])
    expect(protection.size).to.equal(1)
  })

  it('does not count how often the same tag was used', () => {
    const protection = new Protection()
    protection.protect('peer', 'a')
    protection.protect('peer', 'a')

    expect(protection.unprotect('peer', 'a')).to.be.false()
    expect(protection.isProtected('peer')).to.be.false()
  })

  it('protects until the last of the tags is gone', () => {
    const protection = new Protection()
    protection.protect('peer', 'a')
    protection.protect('peer', 'b')
    expect(protection.tags('peer')).to.have.members(['a', 'b'])

    expect(protection.unprotect('peer', 'a')).to.be.true('not protected by the other tag')
    expect(protection.isProtected('peer')).to.be.true()
    expect(protection.unprotect('peer', 'b')).to.be.false()
    expect(protection.isProtected('peer')).to.be.false()
    expect(protection.size).to.equal(0)
  })

  it('does nothing when an unknown tag or peer is unprotected', () => {
    const protection = new Protection()
    protection.protect('peer', 'a')

    expect(protection.unprotect('peer', 'b')).to.be.true()
    expect(protection.unprotect('other', 'a')).to.be.false()
    expect(protection.tags('other')).to.be.empty()
  })
})
