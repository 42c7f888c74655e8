// Who asks, how far the ledger is, and what is settled, as it happens.
import { get, post, Failure, prefix, type Head, type Me } from './api'

type Settled = { microgrid: string; start: number; revision: number; height: number }

export const live = $state<{ me: Me | null; head: Head | null; failure: string; stale: boolean; since: number; tick: number }>({
  me: null, head: null, failure: '', stale: false, since: 0, tick: 0,
})

let offset = 0 // Of the community's clock at the moment when it was read.
let read = Date.now()

/** The community's clock, in seconds. */
export function now(): number {
  const speed = live.me?.demo ? (live.me.demo.ready ? live.me.demo.speed : 0) : 1
  return Math.floor(offset + ((Date.now() - read) / 1000) * speed)
}

function set(seconds: number): void {
  offset = seconds
  read = Date.now()
}

const followers = new Set<(s: Settled | null) => void>()

/** Calls f for every interval that is settled, and with null when all may have changed. */
export function onSettled(f: (s: Settled | null) => void): () => void {
  followers.add(f)
  return () => followers.delete(f)
}

/** Reads who asks. */
export async function loadMe(): Promise<void> {
  try {
    const me = await get<Me>('/me')
    live.me = me
    live.failure = ''
    set(me.now)
  } catch (e) {
    live.failure = e instanceof Failure ? e.message : String(e)
    throw e
  }
}

/** Becomes one of a demo's roles. */
export async function become(id: string): Promise<void> {
  await post('/demo/role', { id }, live.me?.csrf ?? '')
  await loadMe()
}

export async function signOut(): Promise<void> {
  await post('/session', undefined, live.me?.csrf ?? '', 'DELETE')
  await loadMe()
}

let source: EventSource | null = null
let lost: ReturnType<typeof setTimeout> | undefined
let heard = Date.now()
const patience = 3000 // How long a connection may be away before the page says so.
const silence = 12_000 // A node says something every five seconds; one that hangs does not.

function away(): void {
  if (live.stale) return
  live.stale = true
  live.since = now()
}

setInterval(() => {
  if (!source || Date.now() - heard < silence) return
  away()
  follow()
}, 1000)

/** Follows the node's events; the browser connects again by itself, and so do we. */
export function follow(): void {
  source?.close()
  heard = Date.now()
  source = new EventSource(`${prefix}/events`)
  source.onopen = () => {
    clearTimeout(lost)
    lost = undefined
    if (live.stale) {
      live.stale = false
      void loadMe().catch(() => {})
      followers.forEach((f) => f(null))
    }
  }
  source.onerror = () => {
    lost ??= setTimeout(away, patience)
    if (source?.readyState === EventSource.CLOSED) setTimeout(follow, 1000)
  }
  source.addEventListener('head', (e) => {
    heard = Date.now()
    const h = JSON.parse(e.data) as { height: number; time: number; now: number }
    live.head = { validators: 1, in_sync: true, version: '', ...live.head, ...h }
    set(h.now)
    live.tick++
    // A demo that settles its history and a community without members are soon others.
    if (live.me && (live.me.microgrid === '0' || live.me.demo?.ready === false)) void loadMe().catch(() => {})
  })
  source.addEventListener('settled', (e) => {
    heard = Date.now()
    const s = JSON.parse(e.data) as Settled
    followers.forEach((f) => f(s))
  })
  source.addEventListener('reset', () => followers.forEach((f) => f(null)))
  void get<Head>('/head').then((h) => {
    live.head = h
    set(h.now)
  }).catch(() => {})
}
