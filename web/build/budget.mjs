// Measures what a browser loads, against the budgets; fails beyond them.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const dist = new URL('../dist', import.meta.url).pathname
const files = readdirSync(dist, { recursive: true }).map(String)
const size = (pattern) => files.filter((f) => pattern.test(f)).reduce((sum, f) => sum + statSync(join(dist, f)).size, 0)

let over = false
for (const [name, pattern, most] of [
  ['JavaScript, brotli', /\.js\.br$/, 90],
  ['CSS, brotli', /\.css\.br$/, 15],
  ['fonts', /\.woff2$/, 55],
]) {
  const kib = size(pattern) / 1024
  over ||= kib > most || kib === 0
  console.log(`${name}: ${kib.toFixed(1)} KiB of ${most}${kib > most ? ', OVER' : ''}`)
}
process.exit(over ? 1 : 0)
