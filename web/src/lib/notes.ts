// What is worth a word in the picture of a day. Each note is a fact of the intervals
// that are read; where the facts are not clear, there is no note.
import type { Slot, Today } from './api'
import { clock } from './format'
import { words } from './i18n.svelte'

/** A few words over or under the intervals from one moment to another. */
export type Note = { from: number; to: number; text: string; side: 'up' | 'down' }

const least = 500 // Wh: of less nobody needs to be told.

/** The stretch of intervals that carries the most of f; one that is absent ends it. */
function longest(slots: Slot[], f: (s: Slot) => number): { slots: Slot[]; sum: number; all: number } {
  let best: Slot[] = [], run: Slot[] = [], most = 0, sum = 0, all = 0
  for (const s of slots) {
    if (f(s) <= 0) { run = []; sum = 0; continue }
    run.push(s)
    sum += f(s)
    all += f(s)
    if (sum > most) { most = sum; best = [...run] }
  }
  return { slots: best, sum: most, all }
}

function night(d: Today, slots: Slot[]): Note | null {
  const dark = slots.filter((s) => d.sun && s.start + d.length <= d.sun.rise)
  const used = (s: Slot) => s.roof + s.battery + s.neighbours + s.grid
  const end = dark.findIndex((s) => s.battery * 2 <= used(s))
  const run = end < 0 ? dark : dark.slice(0, end)
  const last = run.at(-1)
  if (!last || run.length * d.length < 5400) return null
  const to = last.start + d.length
  const text = run.length >= dark.length * 0.9 ? words().notes.night : words().notes.until(clock(to, d.time_zone))
  return { from: run[0]!.start, to, text, side: 'up' }
}

/** The notes of a household's day, the weightiest first. */
export function notes(d: Today): Note[] {
  const read = d.intervals.filter((s) => s.state === 'settled' || s.state === 'provisional')
  const list: (Note | null)[] = []
  const tell = (f: (s: Slot) => number, text: string, side: Note['side'], share: number, watts = 0) => {
    const r = longest(read, f)
    if (r.sum < least || r.sum < share * r.all || r.sum * 3600 < watts * r.slots.length * d.length) return
    list.push({ from: r.slots[0]!.start, to: r.slots.at(-1)!.start + d.length, text, side })
  }
  tell((s) => s.ev, words().notes.car, 'up', 0.5)
  tell((s) => s.to_battery, words().notes.filling, 'down', 0.6)
  tell((s) => s.heat_pump, words().notes.heat, 'up', 0.5, 1000)
  list.push(night(d, read))
  return list.filter((n) => n !== null)
}
