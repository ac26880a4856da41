import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/**
 * What the functions of instrumented files call when they begin
 */
declare global {
  // a property of the global object can only be declared this way
  var enteredFile: ((file: string) => void) | undefined
}

/**
 * Has every function of the files below `folder` tell `globalThis.enteredFile` of its file when it
 * is called. Files that were imported before are left alone.
 */
export function instrument (folder: URL): void {
  registerHooks({
    load: (url, context, nextLoad) => {
      if (!url.startsWith(folder.href) || !url.endsWith('.ts')) {
        return nextLoad(url, context)
      }

      return { format: 'module', shortCircuit: true, source: instrumented(readFileSync(fileURLToPath(url), 'utf-8'), url.slice(folder.href.length)) }
    }
  })
}

/**
 * The source in JavaScript, in which every function begins with a call
 */
export function instrumented (source: string, file: string): string {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, verbatimModuleSyntax: true },
    transformers: { before: [context => root => ts.visitEachChild(root, visitor(context, file), context)] }
  })

  return outputText
}

function visitor (context: ts.TransformationContext, file: string): ts.Visitor {
  const { factory } = context
  const call = (): ts.Statement => factory.createExpressionStatement(factory.createCallChain(
    factory.createPropertyAccessExpression(factory.createIdentifier('globalThis'), 'enteredFile'),
    factory.createToken(ts.SyntaxKind.QuestionDotToken),
    undefined,
    [factory.createStringLiteral(file)]
  ))

  const visit: ts.Visitor = node => {
    const visited = ts.visitEachChild(node, visit, context)

    // what a constructor does before `super()` must not look at the object, which this does not
    return ts.isBlock(visited) && ts.isFunctionLike(node.parent)
      ? factory.updateBlock(visited, [call(), ...visited.statements])
      : visited
  }

  return visit
}
