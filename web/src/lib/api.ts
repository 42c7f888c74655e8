// The API, as package pages and package api of the node define it.
import { words } from './i18n.svelte'

export type Energy = { wh: number; shown: number }
export type Money = { units: number; shown: number }
export type Price = { per_wh: number; shown: number }
export type Place = 'roof' | 'battery' | 'neighbours' | 'grid' | 'home'
export type Part = { name: string; energy: Energy; share: number }
export type Currency = { code: string; decimals: number }
export type Role = 'visitor' | 'household' | 'operator' | 'auditor'
export type State = 'settled' | 'provisional' | 'expected' | 'unknown'

export type Me = {
  id: string; account: string; name: string; role: Role; microgrid: string; csrf: string; now: number; time_zone: string; currency: Currency
  community: { microgrid: string; name: string; members: number; first: number; through: number }
  demo: null | { speed: number; seed: number; ready: boolean; roles: { id: string; label: string; account: string; role: Role }[] }
}
export type Head = { height: number; time: number; now: number; validators: number; in_sync: boolean; version: string }

export type Slot = {
  start: number; state: State; revision: number; estimated: boolean; block: number
  roof: number; battery: number; neighbours: number; grid: number; to_battery: number; to_neighbours: number; to_grid: number; ev: number; heat_pump: number
  price?: Price; amount: number; alone: number
}
export type Line = { name: string; energy: Energy; price: Price; amount: Money }
export type Revision = { start: number; revision: number; block: number; before: Money; after: Money; used: Energy; was: Energy; given: Energy; given_was: Energy }
export type Progress = { settled: number; provisional: number; to_come: number; through: number; final: number }
export type PriceRange = { low: Price; low_at: number; high: Price; high_at: number }
export type Day = { date: string; time_zone: string; start: number; end: number; length: number; now: number; height: number }
export type Device = { device: string; name: string; kind: string; capacity: number; at: number; power: number; taken: Energy; given: Energy }

export type Today = Day & {
  account: string; name: string; plant: string; microgrid: string; currency: Currency; used: Energy; produced: Energy; local: number; better: Money
  sources: Part[]; sinks: Part[]; loads: Part[]; flows: { from: Place; to: Place; energy: Energy }[]
  lines: Line[]; balance: Money; tariff?: { retail: Price; feed_in: Price; until: number }
  intervals: Slot[]; progress: Progress; devices: Device[]; revisions: Revision[]; sun?: { rise: number; set: number }; price?: PriceRange
}

export type DayRow = {
  date: string; intervals: number; used: Energy; produced: Energy; roof: Energy; battery: Energy; neighbours: Energy; grid: Energy
  earned: Money; paid: Money; balance: Money; better: Money
}
export type Month = {
  account: string; name: string; plant: string; community: string; month: string; time_zone: string; currency: Currency; start: number; end: number; through: number
  final: boolean; height: number; now: number; used: Energy; produced: Energy; sources: Part[]; sinks: Part[]; local: number
  lines: Line[]; balance: Money; alone: Money; better: Money; days: DayRow[]; corrections: Money; revisions: Revision[]; estimated: number; months: string[]
}

export type Zone = {
  zone: string; name: string; parent: string; points: number; charge: Price; loss_ppm: number; export_limit: number; import_limit: number; flow: number; price?: Price
}
export type CommunitySlot = {
  start: number; state: State; revision: number; block: number; demand: number; supply: number; traded: number; bought: number; sold: number; price?: Price
}
export type Community = Day & {
  microgrid: string; name: string; currency: Currency; members: number; devices: { name: string; count: number }[]; zones: Zone[]
  demand: Energy; supply: Energy; traded: Energy; bought: Energy; sold: Energy; local: number; better: Money
  intervals: CommunitySlot[]; progress: Progress; price?: PriceRange; sun?: { rise: number; set: number }
  overloads: { start: number; zone: string; name: string; flow: number; limit: number }[]
}
export type Exception = {
  device: string; meter: string; member: string; reason: string; from: number; to: number; import_wh: number; export_wh: number; count: number; corrected: boolean
}
export type Operation = {
  microgrid: string; name: string; month: string; currency: Currency; now: number; exceptions: Exception[]; open: number
  settled: number; total: number; through: number; corrected: number; estimated: number
  members: { account: string; name: string; zone: string; import: Energy; export: Energy; produced: Energy; balance: Money; alone: Money; better: Money; estimated: number }[]
  received: { account: string; name: string; amount: Money }[]
}

export type BlockRow = { height: number; time: number; envelopes: number; refused: number; receipts: number }
export type EnvelopeRow = { height: number; position: number; id: string; account: string; nonce: string; code: number; refusal?: string; at: number; receipts: number }
export type Block = BlockRow & { hash: string; app_hash: string; proposer: string; signatures: number; validators: number; entries: EnvelopeRow[] }
export type ReceiptRow = {
  height: number; position: number; n: number; kind?: number; name?: string; audience: string; sealed: boolean; leaf: string; salt?: string; body?: string; fields?: unknown
}
export type Envelope = EnvelopeRow & { time: number; scheme?: string; operations: { kind: number; name: string; fields?: unknown }[]; facts: ReceiptRow[] }
export type Found = { kind: string; title: string; path: string }

export type Step = { side: 'buy' | 'sell'; green: boolean; limit: Price; energy: number; filled: number; homes: number; own: boolean; merged: boolean }
export type WhatIf = { without: string; import: number; export: number; balance: Money; worse: Money; price?: Price; day: Money; day_was: Money; day_worse: Money }
export type Replay = {
  microgrid: string; start: number; length: number; time_zone: string; currency: Currency; revision: number; block: number; same: boolean; mode: string; rule: string
  demand: number; supply: number; traded: number; retail: Price; feed_in: Price; levy: Price; zones: Zone[]; orders: Step[]
  own?: {
    account: string; import: number; export: number; produced: number; lines: Line[]; balance: Money; alone: Money
    deals: { bought: boolean; utility: boolean; green: boolean; energy: number; price: Price; amount: Money; path?: string }[]; what_if: WhatIf[]
  }
}

/** What went wrong, in the node's words when it has any. */
export class Failure extends Error {
  constructor(readonly status: number, message: string) {
    super(message)
  }
}

export const prefix = '/api/v1'

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
  let detail = `${response.status} ${response.statusText}`
  try {
    detail = ((await response.json()) as { detail?: string }).detail ?? detail
  } catch {
    // The status has to do.
  }
  throw new Failure(response.status, detail)
}

/** Asks the node; a node that does not answer is status 0. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  let response: Response
  try {
    response = await fetch(prefix + path, signal ? { signal } : {})
  } catch (e) {
    if (signal?.aborted) throw e
    throw new Failure(0, words().unreachable)
  }
  return answer<T>(response)
}

/** Asks the node to change something. */
export async function post<T>(path: string, body: unknown, csrf: string, method = 'POST'): Promise<T> {
  const response = await fetch(prefix + path, {
    method, headers: { 'Content-Type': 'application/json', 'X-CSRF': csrf }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return answer<T>(response)
}
