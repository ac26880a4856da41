import { expect } from 'aegir/chai'
import ts from 'typescript'
import { COMPILER_OPTIONS } from './fixtures/compiler-options.ts'

const ENTRY = 'src/index.ts'

describe('the documentation of the code', function () {
  this.timeout(120_000)

  let checker: ts.TypeChecker
  let exported: ts.Symbol[]

  before(() => {
    const program = ts.createProgram([ENTRY], COMPILER_OPTIONS)
    const entry = program.getSourceFile(ENTRY)
    checker = program.getTypeChecker()
    const module = entry == null ? undefined : checker.getSymbolAtLocation(entry)

    if (module == null) {
      throw new Error('The entry could not be read')
    }

    exported = checker.getExportsOfModule(module)
      .map(symbol => (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol))
      .filter(isOwn)
  })

  function isDocumented (symbol: ts.Symbol): boolean {
    return symbol.getDocumentationComment(checker).length > 0
  }

  /**
   * What users pass, by the name of its interface
   */
  function options (): Array<{ name: string, option: ts.Symbol }> {
    return exported
      .filter(({ name }) => name.endsWith('Init'))
      .flatMap(type => checker.getDeclaredTypeOfSymbol(type).getProperties().map(option => ({ name: `${type.name}.${option.name}`, option })))
      .filter(({ option }) => isOwn(option) && (option.flags & ts.SymbolFlags.Optional) !== 0)
  }

  it('says of every exported name what it is', () => {
    expect(exported.length).to.be.above(300)
    expect(exported.filter(symbol => !isDocumented(symbol)).map(({ name }) => name)).to.deep.equal([])
  })

  it('says of every option what it does', () => {
    expect(options().length).to.be.above(200)
    expect(options().filter(({ option }) => !isDocumented(option)).map(({ name }) => name)).to.deep.equal([])
  })

  it('says of every option what holds without it', () => {
    const withoutDefault = options().filter(({ option }) => !option.getJsDocTags(checker).some(({ name }) => name === 'default'))

    expect(withoutDefault.map(({ name }) => name)).to.deep.equal([])
  })
})

/**
 * Whether it is from this package
 */
function isOwn (symbol: ts.Symbol): boolean {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? ''

  return file.includes('src/') && !file.includes('node_modules')
}
