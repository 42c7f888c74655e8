// Certificates: a household, the operator and a buyer look at the hours of a year, by
// keyboard and as a table; certificates are passed on and used up, after a preview and
// a refusal, and the statement is what its hash on the ledger is of.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, become, browser, frozen } from './harness.mjs'
import { shown } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let s, b, accounts, dairy
before(async () => {
  ;[s, b] = await Promise.all([Served.start(['demo', ...frozen, '--port', '0']), browser()])
  await s.ready()
  accounts = Object.fromEntries((await s.get('/me')).demo.roles.map((r) => [r.id, r.account]))
  await become(b.context, s, 'Molkerei')
  dairy = await api(`/accounts/${accounts.Molkerei}/certificates`)
})
after(async () => {
  await b?.close()
  await s?.stop()
})

/** Opens the certificates as one of the demo's roles. */
async function as(role, path = '/certificates') {
  await become(b.context, s, role)
  const page = await b.open(s.url + path)
  await shown(page)
  return page
}

/** What axe finds, in both lights and on a small screen, and whether something sticks out. */
async function sound(page, what) {
  await page.evaluate(axe)
  for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark'], [320, 'light']]) {
    await page.setViewportSize({ width, height: 844 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))))
    const wrong = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join()}`))
    assert.deepEqual(wrong, [], `${what}, ${width} px, ${colorScheme}`)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(over <= 0, `${what}, ${width} px: ${over} px stick out`)
    if (process.env.COMMONWATT_PICTURES) await page.screenshot({ path: join(process.env.COMMONWATT_PICTURES, `certificates-${what}-${width}.png`.replaceAll(' ', '-')), fullPage: true })
  }
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.emulateMedia({ colorScheme: 'light' })
}

const api = async (path) => (await b.context.request.get(`${s.url}/api/v1${path}`)).json()
const kWh = (shown) => `${(shown / 100).toLocaleString('en-GB', { minimumFractionDigits: 2 })} kWh`
const percent = (tenths) => `${tenths / 10}%`

test('a household reads its hours: sentence = table = API = CSV', async () => {
  const page = await as('Weber')
  const y = await api(`/accounts/${accounts.Weber}/matching/2026`)
  const june = y.months.find((m) => m.month === '2026-06')
  assert.equal(await page.locator('[data-figure=sentence]').innerText(), `Your June: ${percent(june.share)} of your use was met in its own quarter of an hour.`)
  const row = await page.locator('[data-figure=months] tbody tr', { hasText: 'June' }).innerText()
  for (const text of [kWh(june.used.shown), kWh(june.matched.shown), percent(june.share), kWh(june.claimed.shown), kWh(june.residual.shown)]) assert.ok(row.includes(text), `${row} lacks ${text}`)
  assert.equal(june.claimed.shown + june.residual.shown, june.used.shown)
  const sum = (column) => y[column].reduce((a, wh) => a + Math.max(wh, 0), 0)
  assert.equal(sum('used'), y.total.used.wh)
  assert.equal(sum('matched'), y.total.matched.wh)
  assert.equal(sum('claimed'), y.total.claimed.wh)
  const csv = await (await b.context.request.get(`${s.url}/api/v1/accounts/${accounts.Weber}/matching/2026/hours.csv`)).text()
  const [header, ...rows] = csv.trim().split(/\r?\n/).map((l) => l.split(','))
  const column = (name) => rows.reduce((a, r) => a + Number(r[header.indexOf(name)]), 0)
  assert.equal(column('used_wh'), y.total.used.wh)
  assert.equal(column('matched_wh'), y.total.matched.wh)
  assert.equal(column('supplied_mg_co2'), y.total.carbon.supplied.mg)
  await page.locator('summary', { hasText: 'As a table' }).click()
  await page.locator('[data-figure=hours] tbody tr').nth(23).waitFor()
  assert.equal(await page.locator('[data-figure=hours] tbody tr').count(), 24)
  await page.getByRole('button', { name: /Show hours: weber-pv, May 2026/ }).click()
  const lots = await api(`/accounts/${accounts.Weber}/certificates/2026-05/lots?device=${(await api(`/accounts/${accounts.Weber}/certificates`)).held.find((h) => h.meter === 'weber-pv').device}`)
  await page.locator('[data-figure=lots] tbody tr').first().waitFor()
  assert.equal(await page.locator('[data-figure=lots] tbody tr').count(), lots.length)
  await sound(page, 'household')
  assert.deepEqual(page.faults, [])
  await page.close()
})

test('the heat map is read by the arrow keys, and says each hour in words', async () => {
  const page = await as('Weber')
  const y = await api(`/accounts/${accounts.Weber}/matching/2026`)
  const map = page.getByRole('slider', { name: /Every hour of 2026/ })
  await map.focus()
  const says = () => map.getAttribute('aria-valuetext')
  assert.match(await says(), /use the arrow keys/)
  await page.keyboard.press('ArrowRight') // The first day that something is known of, at noon.
  const at = async () => Number(await map.getAttribute('aria-valuenow'))
  const first = await at()
  assert.equal(first % 24, 12)
  assert.ok(y.used[first] >= 0 && y.used[first - 24] < 0, 'it is the first day')
  const words = (i) => {
    const met = Math.min(y.matched[i], y.used[i])
    return `used ${(y.used[i] / 1000).toFixed(3)} kWh, met ${(met / 1000).toFixed(3)} kWh, ${percent(Math.floor((met * 1000) / y.used[i]))}`
  }
  assert.ok((await says()).endsWith(words(first)), `${await says()}: ${words(first)}`)
  assert.match(await says(), /^Thursday 21 May, 12:00–13:00: /)
  for (const [key, moved] of [['ArrowDown', 1], ['ArrowRight', 25], ['ArrowUp', 24], ['ArrowLeft', 0]]) {
    await page.keyboard.press(key)
    assert.equal(await at(), first + moved, key)
  }
  assert.equal(await page.locator('[data-figure=cell]').innerText(), await says())
  await page.keyboard.press('End')
  assert.equal(await at() % 24, 12)
  assert.match(await says(), /^Saturday 20 June/)
  await page.keyboard.press('ArrowLeft')
  await page.getByRole('button', { name: 'May 2026', exact: true }).click()
  const may = page.getByRole('slider', { name: /Every hour of May 2026/ })
  await may.focus()
  await page.keyboard.press('PageDown')
  assert.match(await may.getAttribute('aria-valuetext'), /May/)
  assert.deepEqual(page.faults, [])
  await page.close()
})

test('certificates are passed on: first what would move, and a refusal', async () => {
  const page = await as('Weber')
  const before = await api(`/accounts/${accounts.Weber}/certificates`)
  await page.getByRole('button', { name: 'Pass on' }).click()
  await page.getByLabel('How much, in kWh').fill('1000000')
  await page.getByLabel(/^To/).fill('Molkerei')
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByRole('alert').filter({ hasText: 'of final certificates, not 1000000.000 kWh: take less' }).waitFor()
  await sound(page, 'refused')
  await page.getByLabel(/^To/).fill('Butcher')
  await page.getByLabel('How much, in kWh').fill('2,5')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').filter({ hasText: 'there is no member and no buyer "Butcher"' }).waitFor()
  await page.getByLabel(/^To/).fill('Molkerei')
  await page.keyboard.press('Enter')
  assert.match(await page.locator('[data-figure=would]').innerText(), /^2\.50 kWh of \d+ lots would go to Molkerei\.$/)
  assert.equal((await api(`/accounts/${accounts.Weber}/certificates`)).free.wh, before.free.wh, 'a preview moves nothing')
  await sound(page, 'preview')
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Pass them on', 'the preview has the focus')
  await page.getByRole('button', { name: 'Pass them on' }).click()
  await page.getByRole('status').filter({ hasText: '2.50 kWh went to Molkerei.' }).waitFor()
  await page.locator('[data-figure=moves] tbody tr', { hasText: 'passed on to Molkerei' }).waitFor()
  assert.equal((await api(`/accounts/${accounts.Weber}/certificates`)).free.wh, before.free.wh - 2500)
  assert.deepEqual(page.faults.filter((f) => !f.includes('422')), [])
  await page.close()
})

test('a standing rule is set and ends', async () => {
  const page = await as('Weber')
  await page.getByRole('button', { name: 'Add a rule' }).click()
  await page.getByLabel('Share of each interval').fill('12.5')
  await page.getByLabel(/^To/).fill('Butcher')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').filter({ hasText: 'there is no member and no buyer "Butcher"' }).waitFor()
  await page.getByLabel(/^To/).fill('Molkerei')
  await page.keyboard.press('Enter')
  await page.locator('[data-figure=rules] li', { hasText: '12.5% of each interval go to Molkerei' }).waitFor()
  await sound(page, 'a rule')
  const rules = await api(`/accounts/${accounts.Weber}/certificates/rules`)
  assert.deepEqual(rules.rules, [{ share_ppm: 125000, to: 'Molkerei' }])
  await page.getByRole('button', { name: /^End it/ }).click()
  await page.getByRole('status').filter({ hasText: 'The rule has ended.' }).waitFor()
  assert.deepEqual((await api(`/accounts/${accounts.Weber}/certificates/rules`)).rules, [])
  assert.deepEqual(page.faults.filter((f) => !f.includes('422')), [])
  await page.close()
})

test('a buyer has them, says what it uses, and uses them up for a beneficiary', async () => {
  const page = await as('Molkerei')
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.match(await page.locator('[data-figure=sentence]').innerText(), /^Your June: [\d.]+% of your use has a certificate of its own hour\.$/)
  const has = await api(`/accounts/${accounts.Molkerei}/certificates`)
  assert.equal(has.free.wh, dairy.free.wh + 2500)
  assert.deepEqual(dairy.moves.map((m) => [m.kind, m.rule]), [['received', true], ['received', true]], 'what the plant passes on by a rule, by month')
  assert.equal(dairy.moves.reduce((sum, m) => sum + m.energy.wh, 0), dairy.free.wh)
  await page.locator('[data-figure=moves] tbody tr', { hasText: 'by a standing rule' }).first().waitFor()
  assert.ok(!JSON.stringify(has).match(/weber/i), 'whose they were is not told by name')
  await sound(page, 'buyer')
  const lots = await api(`/accounts/${accounts.Molkerei}/certificates/2026-05/lots`)
  const start = new Date(lots[0].start * 1000).toISOString().replace('.000', '')
  const file = (text) => ({ name: 'use.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
  await page.locator('input[type=file]').setInputFiles(file(`start,wh\n${start},lots\n`))
  await page.getByRole('alert').filter({ hasText: 'line 2: "lots" is no whole number' }).waitFor()
  await page.locator('input[type=file]').setInputFiles(file(`start,wh\n${start},10000\n`))
  await page.getByRole('status').filter({ hasText: '1 rows are kept.' }).waitFor()
  await page.getByRole('heading', { name: /Your May: .* of your use has a certificate of its own hour\./ }).waitFor()

  await page.getByRole('button', { name: 'Use up' }).click()
  await page.getByLabel('How much, in kWh').fill('1.25')
  await page.getByLabel(/^For whom/).fill('Käserei & Söhne')
  await page.getByLabel('What for').selectOption('product')
  await page.keyboard.press('Tab')
  await page.getByRole('button', { name: 'Preview' }).click()
  assert.match(await page.locator('[data-figure=would]').innerText(), /would be used up for Käserei & Söhne: nobody can have them any more\.$/)
  await page.getByRole('button', { name: 'Use them up' }).click()
  await page.getByRole('status').filter({ hasText: '1.25 kWh are used up for Käserei & Söhne.' }).waitFor()
  const row = page.locator('[data-figure=moves] tbody tr', { hasText: 'used up, for a product made with it' })
  await row.waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), row.getByRole('link', { name: /JSON/ }).click()])
  const text = readFileSync(await download.path())
  const statement = JSON.parse(text)
  assert.equal(statement.beneficiary, 'Käserei & Söhne')
  assert.equal(statement.energy_wh, 1250)
  const move = (await api(`/accounts/${accounts.Molkerei}/certificates`)).moves[0]
  assert.equal(createHash('sha256').update(text).digest('hex'), move.statement, 'the hash is of these bytes')
  const receipt = await api(`/receipts/${move.height}/${move.position}/${move.n}`)
  assert.equal(Buffer.from(receipt.fields.cancel.beneficiary, 'base64').toString('hex'), move.statement, 'and on the ledger')
  const [csv] = await Promise.all([page.waitForEvent('download'), row.getByRole('link', { name: /CSV/ }).click()])
  assert.match(readFileSync(await csv.path(), 'utf8'), /^start,meter,device,energy_wh,first_serial,end_serial,height/)
  await sound(page, 'used up')
  assert.deepEqual(page.faults.filter((f) => !f.includes('422')), [])

  await become(b.context, s, 'Weber')
  assert.equal((await b.context.request.get(`${s.url}/api/v1/accounts/${accounts.Molkerei}/cancellations/${move.statement}`)).status(), 403)
  await page.goto(`${s.url}/certificates?account=${accounts.Molkerei}`)
  await shown(page)
  assert.match(await page.locator('main h1').first().innerText(), /not yours/)
  await page.close()
})

test('the operator reads all of the community, and any account', async () => {
  const page = await as('operator')
  assert.match(await page.locator('[data-figure=sentence]').innerText(), /^June: [\d.]+% of all use was met in its own quarter of an hour\.$/)
  const y = await api(`/microgrids/${(await api('/me')).microgrid}/matching/2026`)
  assert.ok((await page.locator('[data-figure=certified]').innerText()).includes(kWh(y.certified.issued.shown)))
  const { certified: c } = y
  assert.equal(c.issued.wh + c.discharged.wh, c.claimed.wh + c.cancelled.wh + c.expired.wh + c.withdrawn.wh + c.stored.wh + c.held.wh)
  await sound(page, 'operator')
  await page.getByLabel('Certificates of an account').selectOption(accounts.Weber)
  await page.getByRole('heading', { name: /^Your June/ }).waitFor()
  assert.ok(page.url().endsWith(`?account=${accounts.Weber}`))
  assert.deepEqual(page.faults, [])
  await page.close()
})
