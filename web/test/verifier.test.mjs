// The verifier of proofs: the WebAssembly by itself, on good and on spoiled proofs,
// and its page in a browser.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Served, binary, browser, frozen, root } from './harness.mjs'

const vector = (name) => readFileSync(join(root, 'proof/testdata', name))
const bundle = new Uint8Array(vector('riverside.cwproof'))
const trust = vector('riverside.trust.json').toString()

// What the vector's receipts are called, which no ledger knows.
const schemas = { kinds: { 104: { name: 'test.note', doc: 'A note.', type: 'note' } }, types: { note: [{ key: 1, name: 'height', type: 'number' }, { key: 2, name: 'n', type: 'energy' }] } }

// In Node, what the module fetches is read from the files that are embedded.
async function alone() {
  const fetched = globalThis.fetch
  globalThis.fetch = async (url) => {
    const name = String(url).split('/').at(-1)
    return new Response(name === 'verify.wasm' ? gunzipSync(readFileSync(join(root, 'verifier/verify.wasm.gz'))) : JSON.stringify(schemas))
  }
  const { verifier } = await import('../../verifier/verify.js')
  const began = performance.now()
  const verify = await verifier()
  const loaded = performance.now() - began
  globalThis.fetch = fetched
  return { verify, loaded }
}

test('a proof is verified step by step, and what it says has names and units', async (t) => {
  const { verify, loaded } = await alone()
  const good = verify(bundle, trust)
  assert.equal(good.ok, true, JSON.stringify(good))
  assert.deepEqual(good.steps.map((s) => s.name), ['format', 'chain', 'validators', 'signatures', 'trust', 'app hash', 'receipt', 'log', 'state', 'sum'])
  assert.deepEqual(good.says.map((s) => [s.name, s.fields]), [['test.note', { height: '0', n: '2 Wh' }], ['test.note', { height: '3', n: '3 Wh' }]])
  assert.equal(good.rows.length, 2)
  const began = performance.now()
  for (let i = 0; i < 10; i++) verify(bundle, trust)
  t.diagnostic(`loaded in ${loaded.toFixed(0)} ms; verified in ${((performance.now() - began) / 10).toFixed(1)} ms`)

  const hash = JSON.parse(trust).hash
  assert.equal(verify(bundle, `1:${hash}`).ok, true, 'a hash alone')
  const nobody = verify(bundle, '')
  assert.equal(nobody.ok, false)
  assert.match(nobody.steps.find((s) => s.name === 'trust').text, new RegExp(`compare block 1:${hash}`))
  assert.equal(nobody.steps.filter((s) => !s.ok).length, 1)
})

test('a spoiled proof is refused, at the step that found it', async (t) => {
  const { verify } = await alone()
  const found = {}
  for (let at = 0; at < bundle.length; at += 7) {
    const spoiled = bundle.slice()
    spoiled[at] ^= 1 << at % 8
    const { ok, steps, says } = verify(spoiled, trust)
    const last = steps.at(-1)
    assert.ok(!ok && !last.ok && says.length === 0, `byte ${at} may be changed: ${JSON.stringify(steps)}`)
    found[last.name] = (found[last.name] ?? 0) + 1
  }
  t.diagnostic(JSON.stringify(found))
  assert.ok(Object.keys(found).length >= 6)
  for (const [bytes, said] of [[bundle.slice(0, 99), trust], [new Uint8Array(2 << 20), trust], [new Uint8Array(), trust], ['text', trust], [undefined], [bundle, '{"height":1'], [bundle, '7']]) {
    const answer = verify(bytes, said)
    assert.equal(answer.ok, false)
    assert.equal(answer.steps.at(-1).ok, false)
  }
  const other = { ...JSON.parse(trust), chain: 'elsewhere' }
  assert.equal(verify(bundle, JSON.stringify(other)).ok, false)
})

let b, served, dir
before(async () => {
  b = await browser()
  served = await Served.start(['demo', ...frozen, '--port', '0'])
  dir = mkdtempSync(join(tmpdir(), 'commonwatt-proof-'))
})
after(async () => {
  await b?.close()
  await served?.stop()
  if (dir) rmSync(dir, { recursive: true, force: true })
})

const run = (...args) => execFileSync(binary, args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

test('the page verifies a proof of a real ledger, and shows a spoiled one as spoiled', async () => {
  const ledger = join(dir, 'ledger')
  run('settle', join(root, 'examples/riverside.toml'), '--readings', join(root, 'examples/riverside.csv.gz'), '--out', ledger)
  const member = readFileSync(join(root, 'examples/riverside.toml'), 'utf8').match(/\[\[member\]\]\s+name = "([^"]+)"/)[1]
  run('prove', ledger, member, '2026-03-23T12:00', '--out', 'home.cwproof')
  const anchor = run('trust', ledger)
  const good = readFileSync(join(dir, 'home.cwproof'))
  good[good.length - 300] ^= 1
  writeFileSync(join(dir, 'spoiled.cwproof'), good)

  const page = await b.open(`${served.url}/verify`)
  const check = async (file, text) => {
    await page.setInputFiles('#bundle', join(dir, file))
    await page.fill('#trust', text)
    await page.evaluate(() => document.querySelector('#answer').replaceChildren())
    await page.click('button')
    await page.waitForSelector('#answer ol li')
    return page.locator('#answer').innerText()
  }
  const told = await check('home.cwproof', anchor)
  assert.match(told, /^What it says is on the ledger/)
  assert.match(told, /settlement\.statement of block \d+/)
  assert.match(told, /"import_wh": "\d+ Wh"/)
  assert.match(await check('spoiled.cwproof', anchor), /It proves nothing as it stands[\s\S]*not ok: log/)
  assert.match(await check('home.cwproof', ''), /It proves nothing as it stands[\s\S]*nobody said what to trust: compare block 1:/)
  assert.deepEqual(page.faults, [])
  await page.close()
})
