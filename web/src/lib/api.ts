// The API. Its types are made of the node's: `make web` writes schema.ts.
import type { components } from './schema'
import { words } from './i18n.svelte'

type schemas = components['schemas']

export type Energy = schemas['Energy']
export type Money = schemas['Money']
export type Price = schemas['Price']
export type Part = schemas['Part']
export type Currency = schemas['Currency']
export type Me = schemas['Me']
export type Head = schemas['Head']
export type Slot = schemas['Slot']
export type Line = schemas['Line']
export type Revision = schemas['Revision']
export type Progress = schemas['Progress']
export type PriceRange = schemas['PriceRange']
export type Device = schemas['Device']
export type Today = schemas['Today']
export type DayRow = schemas['DayRow']
export type Month = schemas['Month']
export type Zone = schemas['Zone']
export type CommunitySlot = schemas['CommunitySlot']
export type Community = schemas['Community']
export type Exception = schemas['Exception']
export type Exceptions = schemas['Exceptions']
export type MeterExceptions = schemas['MeterExceptions']
export type Operation = schemas['Operation']
export type BlockRow = schemas['BlockRow']
export type EnvelopeRow = schemas['EnvelopeRow']
export type Block = schemas['Block']
export type ReceiptRow = schemas['ReceiptRow']
export type Envelope = schemas['Envelope']
export type Found = schemas['Found']
export type Step = schemas['Step']
export type WhatIf = schemas['WhatIf']
export type Replay = schemas['Replay']
export type ReceiptRef = schemas['ReceiptRef']
export type Trace = schemas['Trace']
export type TraceDevice = schemas['TraceDevice']
export type TraceWay = schemas['TraceWay']
export type Year = schemas['Year']
export type Meter = schemas['Meter']
export type HouseholdMeters = schemas['HouseholdMeters']
export type EnrolCode = schemas['EnrolCode']
export type Told = schemas['Told']
export type Matched = schemas['Matched']
export type MatchYear = schemas['MatchYear']
export type Certificates = schemas['Certificates']
export type HeldLot = schemas['HeldLot']
export type Passing = schemas['Passing']
export type Rules = schemas['Rules']
/** Why a meter file was refused: a problem (RFC 9457) with more. */
export type RefusedFile = { detail: string; file?: string; line?: number; field?: string; text?: string; reason?: string; next?: string; unknown?: string[]; meters?: string[] }
export type Place = 'roof' | 'battery' | 'neighbours' | 'grid' | 'home'
export type Role = Me['role']
export type State = Slot['state']
/** What every page of a day says of the day. */
export type Day = Pick<Today, 'date' | 'time_zone' | 'start' | 'end' | 'length' | 'now' | 'height'>

/** What went wrong, in the node's words when it has any. */
export class Failure extends Error {
  constructor(readonly status: number, message: string, readonly problem: unknown = null) {
    super(message)
  }
}

export const prefix = '/api/v1'

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
  let detail = `${response.status} ${response.statusText}`
  let problem: unknown = null
  try {
    problem = await response.json()
    detail = (problem as { detail?: string }).detail ?? detail
  } catch {
    // The status has to do.
  }
  throw new Failure(response.status, detail, problem)
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

/** Sends a file to the node. */
export async function send<T>(path: string, file: Blob, csrf: string): Promise<T> {
  const response = await fetch(prefix + path, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream', 'X-CSRF': csrf }, body: file })
  return answer<T>(response)
}
