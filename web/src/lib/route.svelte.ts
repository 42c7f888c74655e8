// The address is the state: what a page shows is in its URL.

export type Route = { page: string; args: string[]; query: URLSearchParams }

function read(): Route {
  const [page = '', ...args] = location.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  return { page, args, query: new URLSearchParams(location.search) }
}

export const route = $state<{ at: Route }>({ at: read() })

addEventListener('popstate', () => (route.at = read()))

/** Goes to another page of the app. */
export function go(path: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path)
  route.at = read()
  scrollTo(0, 0)
}

/** Lets links within the app work without loading it anew. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest('a')
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  if (link.origin !== location.origin || link.target || link.hasAttribute('download') || /^\/(api|bill|docs|openapi|p|statement|verify)(\/|\.|$)/.test(link.pathname)) return
  if (link.hash && link.pathname === location.pathname) return
  event.preventDefault()
  go(link.pathname + link.search)
}
