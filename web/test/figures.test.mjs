// One day says one thing: the sentence, the chart, the table behind it, the CSV, the
// API, the Money page and the bill in its three forms agree, to the displayed digit
// and, where exact figures are given, to the unit.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { Served, become, browser } from './harness.mjs'
import { openTable, short, shown } from './pages.mjs'

let s, b
before(async () => {
  s = await (await Served.start(['demo', ...short, '--port', '0'])).ready()
  b = await browser()
})
after(async () => { await b?.close(); await s?.stop() })

const keys = ['roof', 'battery', 'neighbours', 'grid', 'to_battery', 'to_neighbours', 'to_grid']
const sum = (list) => list.reduce((n, x) => n + x, 0)

/** Hundredths as people write them, in English, without a sign. */
const plain = (n) => (Math.abs(n) / 100).toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const kwh = (e) => `${plain(e.shown)} kWh`
const signed = (m) => `${m.shown < 0 ? '−' : ''}€${plain(m.shown)}`

/** A figure without the plus of what was earned. */
const bare = (text) => text.replace('+', '').trim()

/** The records of a CSV that quotes nothing. */
const records = (text) => {
  const [header, ...rows] = text.trimEnd().split('\r\n').map((l) => l.split(','))
  return rows.map((r) => Object.fromEntries(header.map((h, i) => [h, r[i]])))
}

const text = async (url) => (await b.context.request.get(s.url + url)).text()

/** A PDF's text, or nothing where there is no pdftotext. */
async function pdf(url) {
  const raw = await (await b.context.request.get(s.url + url)).body()
  try {
    return execFileSync('pdftotext', ['-layout', '-', '-'], { input: raw, encoding: 'utf8' })
  } catch (e) {
    if (e.code === 'ENOENT') return null
    throw e
  }
}

for (const [who, date] of [['Weber', '2026-06-20'], ['Weber', '2026-06-19'], ['Albers', '2026-06-20'], ['Keller', '2026-06-18'], ['Muehlbach', '2026-06-20']]) {
  test(`${who} on ${date}`, async (t) => {
    await become(b.context, s, who)
    const { account } = await (await b.context.request.get(`${s.url}/api/v1/me`)).json()
    const day = JSON.parse(await text(`/api/v1/accounts/${account}/days/${date}`))
    const month = JSON.parse(await text(`/api/v1/accounts/${account}/months/2026-06`))
    const settled = day.intervals.filter((i) => i.state === 'settled')
    const of = (name) => sum(settled.map((i) => i[name]))

    const page = await b.open(`${s.url}/today/${date}`)
    await shown(page)
    const sentence = await page.locator('[data-figure=sentence]').innerText()
    const plant = day.used.wh * 20 < day.produced.wh
    assert.ok(sentence.includes(kwh(plant ? day.produced : day.used)), `the sentence says ${sentence}`)
    if (day.better.shown) assert.ok(sentence.includes(`€${plain(day.better.shown)}`), `the sentence says ${sentence}`)

    const parts = plant ? day.sinks : day.sources
    assert.equal(sum(parts.map((p) => p.energy.wh)), (plant ? day.produced : day.used).wh)
    assert.equal(sum(parts.map((p) => p.energy.shown)), (plant ? day.produced : day.used).shown)
    const told = await page.locator('dl.parts dd[data-figure]').allInnerTexts()
    assert.deepEqual(told, parts.map((p) => kwh(p.energy)), 'the parts beside the sentence')
    assert.equal(sum(keys.slice(0, 4).map(of)), day.used.wh, 'the bars above the line')
    assert.equal(sum(settled.map((i) => i.amount)), day.balance.units)

    await openTable(page)
    const table = page.locator('[data-figure=table]')
    const rows = await table.locator('tbody tr').evaluateAll((list) => list.map((r) => [...r.cells].map((c) => c.textContent.trim())))
    const read = day.intervals.filter((i) => i.state === 'settled' || i.state === 'provisional')
    const wh = (e) => Math.round(Number.parseFloat(e.replaceAll(',', '')) * (/\bkWh/.test(e) ? 1000 : 1))
    assert.equal(rows.length, read.length)
    rows.forEach((r, i) => keys.forEach((k, at) => assert.ok(Math.abs(wh(r[2 + at]) - read[i][k]) <= 5, `${r[0]} ${k}: the table says ${r[2 + at]}, the API ${read[i][k]} Wh`)))
    const foot = await table.locator('tfoot td').allInnerTexts()
    keys.forEach((k, at) => assert.ok(Math.abs(wh(foot[at]) - of(k)) <= 5, `in all ${k}: the table says ${foot[at]}, the API ${of(k)} Wh`))

    const csv = records(await text(`/api/v1/accounts/${account}/days/${date}/intervals.csv`))
    assert.equal(csv.length, read.length)
    csv.forEach((r, i) => {
      for (const k of keys) assert.equal(r[`${k}_wh`], String(read[i][k]), `${r.start} ${k}`)
      assert.equal(r.amount, String(read[i].amount))
      assert.equal(r.state, read[i].state)
    })
    assert.equal(bare(await page.locator('[data-figure=balance]').innerText()), signed(day.balance))
    await page.close()

    await sameMonth(t, account, date, day, month)
  })
}

/** The Money page's row of a day and the three bills. */
async function sameMonth(t, account, date, day, month) {
  const row = month.days.find((d) => d.date === date)
  for (const k of ['used', 'produced', 'balance', 'better']) assert.deepEqual(row[k], day[k], `the month's ${k} of ${date}`)
  for (const k of ['used', 'produced']) assert.equal(sum(month.days.map((d) => d[k].shown)), month[k].shown, k)
  assert.equal(sum(month.days.map((d) => d.balance.shown)), month.balance.shown)
  assert.equal(sum(month.days.map((d) => d.balance.units)), month.balance.units)
  const wanted = [kwh(day.used), kwh(day.produced), signed(row.earned), signed(row.paid), signed(day.balance)]

  const money = await b.open(`${s.url}/money/2026-06`)
  await shown(money)
  const cells = await money.locator('tr', { has: money.locator(`th a[href^="/today/${date}"]`) }).first().locator('td').allInnerTexts()
  assert.deepEqual(cells.map(bare), wanted, 'the Money page')
  assert.ok((await money.locator('[data-figure=sentence]').innerText()).includes(`€${plain(month.balance.shown)}`))
  await money.close()

  const bill = await b.open(`${s.url}/bill/${account}/2026-06?lang=en`)
  const printed = await bill.locator('tr', { hasText: date }).locator('td').allInnerTexts()
  assert.deepEqual(printed.map(bare).slice(-5), wanted, 'the bill')
  await bill.close()

  const lines = records(await text(`/bill/${account}/2026-06.csv`))
  const own = lines.find((l) => l.item === 'day' && l.date === date)
  assert.deepEqual([own.energy_wh, own.amount_units, own.amount], [day.used.wh, day.balance.units, (day.balance.shown / 100).toFixed(2)].map(String), 'the bill as CSV')
  const balance = lines.find((l) => l.item === 'balance')
  assert.equal(sum(lines.filter((l) => !['day', 'balance', 'alone'].includes(l.item)).map((l) => Number(l.amount_units))), Number(balance.amount_units))
  assert.equal(sum(lines.filter((l) => l.item === 'day').map((l) => Number(l.amount_units))), Number(balance.amount_units))

  const paper = await pdf(`/bill/${account}/2026-06.pdf?lang=en`)
  if (paper === null) return t.diagnostic('the PDF was not read: pdftotext is not installed')
  const line = paper.split('\n').find((l) => l.includes(date)) ?? ''
  for (const w of wanted) assert.ok(line.replaceAll('–', '−').replaceAll('+', '').includes(w), `the PDF says ${line}, not ${w}`)
}
