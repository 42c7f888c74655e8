// From a kilowatt-hour to a proof of it that needs nobody's word: trace, QR code, the
// proof's page without JavaScript, its file, and the command that verifies it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, become, binary, browser, decoded } from './harness.mjs'
import { short, shown, traced } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let s, b, folder, account, trace, proof
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'commonwatt-proofs-'))
  ;[s, b] = await Promise.all([Served.start(['demo', ...short, '--port', '0']), browser()])
  await s.ready()
  await become(b.context, s, 'Weber')
  account = (await (await b.context.request.get(`${s.url}/api/v1/me`)).json()).account
  trace = await (await b.context.request.get(`${s.url}/api/v1/accounts/${account}/intervals/${traced.slice(7)}/trace`)).json()
  proof = trace.paid.receipts[0].proof
})
after(async () => {
  await b?.close()
  await s?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the command, and tells how it ended. */
const run = (...args) => new Promise((resolve) => {
  execFile(binary, args, { env: { ...process.env, NO_COLOR: '1' } }, (e, out, err) => resolve({ code: e ? e.code : 0, out, err }))
})

/** What somebody else says is the first block: here, another page of the node. */
const trust = async () => `1:${(await s.get('/blocks/1')).hash}`

/** The file of a proof with one of its bytes changed. */
function tampered(raw, at) {
  const copy = Buffer.from(raw)
  copy[at] ^= 1
  return copy
}

const kwh = (wh) => `${(wh / 1000).toFixed(3)} kWh`

test('the day, the replay and the month lead to the trace, and it has five steps', async () => {
  const today = await b.open(`${s.url}/today/2026-06-20`)
  await shown(today)
  const hand = today.getByRole('slider').first()
  await hand.focus()
  await today.keyboard.press('Home')
  await today.getByRole('link', { name: 'Trace this interval' }).click()
  await today.waitForURL(/\/trace\/2026-06-19T22:00:00Z/)
  await shown(today)
  assert.match(await today.locator('[data-figure=sentence]').innerText(), /From 00:00 on you used/)
  await today.goto(`${s.url}${traced.replace('trace', 'replay')}`)
  await shown(today)
  await today.getByRole('link', { name: 'Trace this interval' }).click()
  await shown(today)
  assert.deepEqual(await today.locator('[data-step]').evaluateAll((l) => l.map((e) => e.dataset.step)), ['made', 'delivered', 'matched', 'paid', 'certified'])
  assert.match(await today.locator('main').innerText(), /Electrons have no owner/)
  assert.deepEqual(today.faults, [])
  await today.close()
  const money = await b.open(`${s.url}/money/2026-06`)
  await shown(money)
  assert.ok(await money.getByRole('link', { name: 'Trace this interval' }).count() > 0)
  await money.close()
})

test('it says what the API says, and the day', async () => {
  const page = await b.open(s.url + traced)
  await shown(page)
  const of = async (step) => page.locator(`[data-step=${step}]`).innerText()
  const made = await of('made')
  for (const d of trace.made) assert.ok(made.includes(d.meter), `${d.meter} is not in ${made}`)
  assert.equal(await page.locator('[data-figure=units]').innerText(), trace.paid.balance.units.toLocaleString('en-GB').replace('-', '−'))
  assert.equal(await page.locator('[data-figure=deals] tbody tr').count(), trace.matched.deals.length)
  const day = await (await b.context.request.get(`${s.url}/api/v1/accounts/${account}/days/2026-06-20`)).json()
  const slot = day.intervals.find((i) => i.start === trace.start)
  assert.equal(slot.amount, trace.paid.balance.units)
  assert.equal(slot.roof + slot.battery + slot.neighbours + slot.grid, trace.used.wh)
  const certified = await of('certified')
  assert.ok(trace.certified.issues)
  for (const o of trace.certified.origins) assert.ok(certified.includes(kwh(o.energy_wh)), `${o.energy_wh} is not in ${certified}`)
  await page.close()
})

test('trace, QR code, the proof without JavaScript, its file, verified by the command', async () => {
  const page = await b.open(s.url + traced)
  await shown(page)
  const image = page.locator('img.qr')
  await image.evaluate((i) => i.decode())
  const address = await decoded(page, await image.screenshot())
  assert.equal(address, s.url + proof)
  const plain = await browser({ javaScriptEnabled: false })
  try {
    const bare = await plain.open(address)
    assert.match(await bare.locator('[data-figure=says]').innerText(), /From 20 June 2026 15:00 on, .* were taken and .* given/)
    assert.equal(await bare.locator('#check').isVisible(), false, 'what needs JavaScript is not there')
    assert.equal(await decoded(page, await bare.locator('svg.qr').screenshot()), address, 'the page has its own address')
    const [download] = await Promise.all([bare.waitForEvent('download'), bare.getByRole('link', { name: 'Download the proof' }).click()])
    const file = join(folder, download.suggestedFilename())
    await download.saveAs(file)
    assert.ok(file.endsWith(`${proof.slice(3)}.cwproof`))
    const good = await run('verify', file, '--trust', await trust())
    assert.equal(good.code, 0, good.out + good.err)
    assert.ok(good.out.includes(account), good.out)
    const nobody = await run('verify', file)
    assert.equal(nobody.code, 1, 'nobody said what to trust')
    const raw = readFileSync(file)
    for (const at of [40, Math.floor(raw.length / 2), raw.length - 40]) {
      const bad = join(folder, 'bad.cwproof')
      writeFileSync(bad, tampered(raw, at))
      const no = await run('verify', bad, '--trust', await trust())
      assert.equal(no.code, 1, `byte ${at}: ${no.out}`)
      assert.match(no.out + no.err, /format|chain|validators|signatures|trust|app hash|receipt|log|state|sum/)
    }
    const pdf = await plain.context.request.get(`${address}.pdf`)
    assert.equal((await pdf.body()).subarray(0, 5).toString(), '%PDF-')
    const json = await (await plain.context.request.get(`${address}.json`)).json()
    assert.deepEqual(Buffer.from(json.bundle, 'base64'), raw)
  } finally {
    await plain.close()
    await page.close()
  }
})

/** Asks the page to check, and waits for what it says. */
async function check(page) {
  await page.getByRole('button', { name: /^(Check|Prüfen)$/ }).click()
  const verdict = page.locator('[data-verdict]')
  await verdict.waitFor()
  return { is: await verdict.getAttribute('data-verdict'), says: await verdict.innerText(), all: await page.locator('[data-result]').innerText() }
}

test('in the browser: the proof is good, kept trust counts, a tampered one fails at a step that is named', async () => {
  const page = await b.open(s.url + proof)
  const first = await check(page)
  assert.equal(first.is, 'good', first.all)
  assert.match(first.all, /You held no trust for this ledger: 1:[0-9a-f]{64} .* is kept/)
  await page.reload()
  const again = await check(page)
  assert.match(again.all, /Held against 1:[0-9a-f]{64}, which this browser keeps/)
  assert.ok(again.all.includes(await trust()))
  const raw = Buffer.from(await (await b.context.request.get(`${s.url}${proof}.cwproof`)).body())
  const steps = new Set()
  for (const at of [40, Math.floor(raw.length / 2), raw.length - 40]) {
    await page.setInputFiles('#file', { name: 'tampered.cwproof', mimeType: 'application/octet-stream', buffer: tampered(raw, at) })
    const bad = await check(page)
    assert.notEqual(bad.is, 'good', `byte ${at}: ${bad.all}`)
    assert.match(bad.says, /not good: it fails at “.+”/)
    assert.ok(await page.locator('[data-steps] li.bad').isVisible())
    steps.add(bad.is)
  }
  assert.ok(steps.size > 1, `different bytes are caught at different steps: ${[...steps]}`)
  await page.setInputFiles('#file', [])
  await page.fill('#trust', `1:${'0'.repeat(64)}`)
  assert.equal((await check(page)).is, 'trust', 'another ledger is not believed')
  assert.deepEqual(page.faults, [])
  await page.close()
})

test('a proof for everybody: axe, small screens, keys, print, German', async () => {
  const page = await b.open(s.url + proof)
  await check(page)
  await page.evaluate(axe)
  for (const width of [1440, 390]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const wrong = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join('; ')}`))
      assert.deepEqual(wrong, [], `${width} px, ${colorScheme}`)
    }
  }
  await page.setViewportSize({ width: 320, height: 700 })
  for (const lang of ['en', 'de']) {
    await page.goto(`${s.url}${proof}?lang=${lang}`)
    await check(page)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(over <= 0, `320 px in ${lang}: ${over} px stick out`)
  }
  await page.reload()
  const reached = new Set()
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => document.activeElement === document.body ? '' : document.activeElement.id || document.activeElement.textContent.trim().slice(0, 20))
    if (!at) break
    reached.add(at)
  }
  for (const what of ['trust', 'file', 'PDF', 'Prüfen']) assert.ok(reached.has(what), `${what} is not reached by keys: ${[...reached]}`)
  await page.emulateMedia({ media: 'print' })
  assert.equal(await page.locator('#check').isVisible(), false, 'a form is not printed')
  assert.ok(await page.locator('svg.qr').isVisible(), 'the code is')
  await page.close()
  const german = await browser({ locale: 'de-DE' })
  try {
    const seite = await german.open(s.url + proof)
    assert.match(await seite.locator('h1').innerText(), /Was ein Anschluss in einem Intervall bezog/)
    assert.equal(await seite.evaluate(() => document.documentElement.lang), 'de')
    assert.equal((await check(seite)).is, 'good')
    await seite.close()
  } finally {
    await german.close()
  }
})
