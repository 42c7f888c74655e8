// Puts figures into words. The node decides what is shown; here it only gets its
// point or comma, its sign and its unit.
import type { Currency, Energy, Money, Price, Revision } from './api'
import { words } from './i18n.svelte'

const minus = '−'

/** An integer of 10^-places, as 1,234.56 or 1.234,56. */
export function decimal(shown: number, places: number): string {
  const { point, group } = words().number
  const digits = String(Math.abs(shown)).padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places).replace(/\B(?=(\d{3})+$)/g, group)
  return (shown < 0 ? minus : '') + whole + (places ? point + digits.slice(-places) : '')
}

export const kwh = (e: Energy): string => `${decimal(e.shown, 2)} kWh`
/** Of Wh that are no parts of anything shown: an interval's. */
export const ofWh = (wh: number): string => `${decimal(wh, 3)} kWh`

/** What places are called by somebody with this kind of plant. */
export const places = (plant: string): Record<string, string> => ({ ...words().place, ...(words().plant[plant] ? { roof: words().plant[plant] } : {}) })

/** What a correction changed: only the figures that are other ones now. */
export function changed(r: Revision): string {
  const w = words().today.corrected
  const parts = [r.was.wh !== r.used.wh ? w.taken(kwh(r.was), kwh(r.used)) : '', r.given_was.wh !== r.given.wh ? w.given(kwh(r.given_was), kwh(r.given)) : ''].filter(Boolean)
  return parts.length ? `${w.late} ${parts.join(' ')}` : w.others
}

const signs: Record<string, string> = { EUR: '€', USD: '$', GBP: '£', CHF: 'CHF ' }
const cents: Record<string, string> = { EUR: 'ct', USD: '¢', GBP: 'p', CHF: 'Rp.' }

/** An amount without a plus: +€0.82 when signed. */
export function money(m: Money, c: Currency, { signed = false } = {}): string {
  const sign = m.shown < 0 ? minus : signed && m.shown > 0 ? '+' : ''
  const symbol = signs[c.code] ?? `${c.code} `
  const amount = decimal(Math.abs(m.shown), 2)
  return words().number.before ? sign + symbol + amount : `${sign}${amount} ${symbol.trim()}`
}

export const price = (p: Price, c: Currency): string => `${decimal(p.shown, 1)} ${cents[c.code] ?? `${c.code}/100`}`
export const percent = (tenths: number): string =>
  (tenths % 10 === 0 ? decimal(tenths / 10, 0) : decimal(tenths, 1)) + words().number.percent
export const power = (watts: number): string => `${decimal(Math.round(Math.abs(watts) / 10), 2)} kW`

const formats = new Map<string, Intl.DateTimeFormat>()
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = words().locale + zone + JSON.stringify(options)
  let f = formats.get(key)
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(words().locale, { timeZone: zone, ...options })))
  return f
}

const time = (t: number, zone: string): string => format(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(t * 1000)
/** The time of day; in the hour that a day has twice, with the name of its time. */
export function clock(t: number, zone: string): string {
  const text = time(t, zone)
  if (text !== time(t + 3600, zone) && text !== time(t - 3600, zone)) return text
  const name = format(zone, { timeZoneName: 'short' }).formatToParts(t * 1000).find((p) => p.type === 'timeZoneName')
  return name ? `${text} ${name.value}` : text
}
export const dayAndClock = (t: number, zone: string): string =>
  format(zone, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(t * 1000)
/** A moment to the second. */
export const moment = (t: number, zone: string): string =>
  format(zone, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(t * 1000)
export const longDay = (date: string): string => format('UTC', { weekday: 'long', day: 'numeric', month: 'long' }).format(Date.parse(`${date}T12:00Z`))
export const shortDay = (date: string): string => format('UTC', { weekday: 'short', day: 'numeric', month: 'short' }).format(Date.parse(`${date}T12:00Z`))
export const weekday = (date: string): string => format('UTC', { weekday: 'long' }).format(Date.parse(`${date}T12:00Z`))
export const longMonth = (month: string): string => format('UTC', { month: 'long', year: 'numeric' }).format(Date.parse(`${month}-15T12:00Z`))
export const monthName = (month: string): string => format('UTC', { month: 'long' }).format(Date.parse(`${month}-15T12:00Z`))

/** The civil day of a moment. */
export const dateOf = (t: number, zone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(t * 1000)
export const dayAfter = (date: string, days: number): string => new Date(Date.parse(`${date}T12:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
export const monthAfter = (month: string, months: number): string => {
  const [y = 0, m = 0] = month.split('-').map(Number)
  return new Date(Date.UTC(y, m - 1 + months, 15)).toISOString().slice(0, 7)
}
export const rfc3339 = (t: number): string => new Date(t * 1000).toISOString().replace('.000', '')
