// Pages look as they did: a dozen pictures of the frozen demo. When a page is meant
// to look otherwise, make screenshot takes them anew; look at the difference.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, browser, frozen } from './harness.mjs'
import { compare, pictures, shoot } from './pictures.mjs'

const folder = new URL('pictures/', import.meta.url)
const tolerance = 0.001

let s, b, blank
before(async () => {
  ;[s, b] = await Promise.all([Served.start(['demo', ...frozen, '--port', '0']), browser()])
  await s.ready()
  blank = await b.context.newPage()
})
after(async () => {
  await b?.close()
  await s?.stop()
})

test('every picture that is kept is compared', () => {
  assert.deepEqual(readdirSync(folder).sort(), pictures.map((p) => `${p.name}.png`).sort())
})

for (const p of pictures) {
  test(`${p.name} looks as it did`, async () => {
    const is = await shoot(b, s, p)
    const { share, why, diff } = await compare(blank, readFileSync(new URL(`${p.name}.png`, folder)), is)
    if (share <= tolerance) return
    const out = mkdtempSync(join(tmpdir(), 'commonwatt-pictures-'))
    writeFileSync(join(out, `${p.name}.png`), is)
    if (diff) writeFileSync(join(out, `${p.name}-diff.png`), diff)
    assert.fail(`${p.name} differs in ${why}: see ${out}`)
  })
}
