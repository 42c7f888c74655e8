// Measures what a browser loads first, against the budgets; fails beyond them. What
// few open is loaded when they do, and has a budget of its own.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const dist = new URL('../dist', import.meta.url).pathname
const files = readdirSync(dist, { recursive: true }).map(String)
const read = (name) => readFileSync(join(dist, name), 'utf8')

/** The files that a page or a script asks for by itself, and those that these ask for. */
function first(name, seen = new Set()) {
  for (const [, asset] of read(name).matchAll(name.endsWith('.html') ? /(?:src|href)="\/([^"]+\.(?:js|css))"/g : /(?:from|import)\s*"\.\/([^"]+\.js)"/g)) {
    const file = name.endsWith('.html') ? asset : join('assets', basename(asset))
    if (seen.has(file)) continue
    seen.add(file)
    if (file.endsWith('.js')) first(file, seen)
  }
  return seen
}
const loaded = first('index.html')
const size = (list) => list.reduce((sum, f) => sum + statSync(join(dist, f)).size, 0)
const later = (end) => files.filter((f) => f.endsWith(`${end}.br`) && !loaded.has(f.slice(0, -3)))

let over = false
for (const [name, list, most] of [
  ['JavaScript of the first load, brotli', [...loaded].filter((f) => f.endsWith('.js')).map((f) => `${f}.br`), 90],
  ['CSS of the first load, brotli', [...loaded].filter((f) => f.endsWith('.css')).map((f) => `${f}.br`), 15],
  ['fonts', files.filter((f) => f.endsWith('.woff2')), 55],
  ['JavaScript of a page that is loaded later, brotli, the largest', later('.js').sort((a, b) => size([b]) - size([a])).slice(0, 1), 30],
]) {
  const kib = size(list) / 1024
  over ||= kib > most || kib === 0
  console.log(`${name}: ${kib.toFixed(1)} KiB of ${most}${kib > most ? ', OVER' : ''}`)
}
process.exit(over ? 1 : 0)
