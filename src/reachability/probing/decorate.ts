/**
 * An object that does some things differently and leaves the rest to another
 * one, which is looked up each time: components may be replaced after a service
 * was made. Methods keep that object as their `this`, which private fields need.
 */
export function decorate<T extends object> (getTarget: () => T, overrides: Partial<T>): T {
  // the proxied object only has to be one
  return new Proxy({} as T, {
    get (_, name) {
      if (Object.hasOwn(overrides, name)) {
        return overrides[name as keyof T]
      }

      const target = getTarget()
      const value: unknown = Reflect.get(target, name, target)

      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
