// What the operator has to look at: a street in which a meter says less than nothing and
// then nothing, another too much, and the feeder meter something else than all of them.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, binary, browser } from './harness.mjs'
import { shown } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const dir = mkdtempSync(join(tmpdir(), 'commonwatt-exceptions-'))
const folder = join(dir, 'street')
const run = (...args) => execFileSync(binary, args, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } }).trim()

const start = Date.parse('2026-05-31T22:00:00Z')
const usual = (hour) => 300 + 10 * (hour % 24)
const row = (meter, hour, wh) => `${meter},${new Date(start + hour * 3_600_000).toISOString().replace('.000', '')},60,${wh},0,A\n`
const header = 'meter,start,minutes,import_wh,export_wh,quality\n'

/** Three days: anna is below zero in one hour and silent in five, bela has an hour above her connection's 5 kW, and the feeder meter 500 Wh more than all in one. */
function readings() {
  let text = header
  for (let hour = 0; hour < 72; hour++) {
    const anna = hour === 10 ? -5 : usual(hour), bela = hour === 30 ? 9000 : usual(hour) + 1, cleo = usual(hour) + 2
    if (hour < 40 || hour > 44) text += row('anna', hour, anna)
    text += row('bela', hour, bela) + row('cleo', hour, cleo) + row('transformer', hour, Math.max(anna, 0) + bela + cleo + (hour === 50 ? 500 : 0))
  }
  return text
}

let s, b
before(async () => {
  writeFileSync(join(dir, 'street.toml'), '[community]\nname = "Street"\ntime_zone = "Europe/Berlin"\n[tariff]\nretail = 0.32\nfeed_in = 0.08\n' +
    '[[zone]]\nid = "street"\nfeeder = "transformer"\n' + ['anna', 'bela', 'cleo'].map((m) => `[[member]]\nname = "${m}"\ncapacity_kw = 5\n`).join(''))
  writeFileSync(join(dir, 'readings.csv'), readings())
  run('settle', join(dir, 'street.toml'), '--readings', join(dir, 'readings.csv'), '--out', folder)
  ;[s, b] = await Promise.all([Served.start(['up', folder, '--port', '0']), browser()])
})
after(async () => {
  await b?.close()
  await s?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** What the page says, meter by meter. */
const told = (page) => page.locator('main section').evaluateAll((list) => list.map((e) => [
  e.querySelector('h2').innerText.replace(/^\S+ /, ''), e.dataset.class,
  ...[...e.querySelectorAll('tbody tr')].map((r) => [...r.children].map((c) => c.innerText.trim()).join(' | ')),
]))

test('the operator sees what to look at, by meter, and what to do', async () => {
  const page = await b.open(run('link', folder, 'operator').match(/http:\S+/)[0])
  await page.getByRole('heading', { name: 'You are signed in as operator.' }).waitFor()
  await page.goto(`${s.url}/operation/2026-06`)
  await page.getByRole('heading', { name: /^3 meters need you\. 72 of 720 intervals/ }).waitFor()
  await page.getByRole('link', { name: 'What is odd about which meter, and what to do' }).click()
  await page.getByRole('heading', { name: '3 meters need you.' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/exceptions/2026-06')
  assert.deepEqual(await told(page), [
    ['anna', 'missing',
      'No reading; settled on what was measured the day before | 2 Jun, 16:00 – 21:00 | 5 | 2.400 kWh taken | Bring the reading within the correction time, which corrects the bills, or look at the connection of the meter.',
      'No reading; settled on the line between the values around it | 1 Jun, 10:00 – 11:00 | 1 | 400 Wh taken | Bring the reading within the correction time, which corrects the bills, or look at the connection of the meter.',
      'Below zero | 1 Jun, 10:00 – 11:00 | 1 | −5 Wh taken | Have the wiring and the reading of the meter checked, and import what is right.'],
    ['transformer', 'suspicious',
      'Does not agree with the meters below | 3 Jun, 02:00 – 03:00 | 1 | 500 Wh more than the homes’ meters | Look for a load without a meter, a meter that stands still, or one in the wrong zone.'],
    ['bela', 'suspicious',
      'More than the connection carries | 2 Jun, 06:00 – 07:00 | 1 | 9.000 kWh taken | Compare the unit of the readings and the capacity in the community file; if both are right, have the meter checked.'],
  ])

  await page.evaluate(axe)
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 })
    const wrong = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations.map((v) => `${v.id}: ${v.nodes[0].target}`))
    assert.deepEqual(wrong, [], `${width} px`)
  }
  await page.setViewportSize({ width: 320, height: 844 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'nothing sticks out of a small screen')
  await page.setViewportSize({ width: 1440, height: 900 })

  await page.getByRole('link', { name: 'bela' }).focus()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/today\/2026-06-02\?account=/)
  await page.getByText('You are looking at the page of bela').waitFor()
  assert.deepEqual(page.faults, [])
  await page.close()
})

test('what was dealt with goes to the end, by itself', async () => {
  const page = await b.open(`${s.url}/exceptions/2026-06`)
  await page.getByRole('heading', { name: '3 meters need you.' }).waitFor()
  let text = header
  for (const hour of [10, 40, 41, 42, 43, 44]) text += row('anna', hour, usual(hour))
  writeFileSync(join(dir, 'late.csv'), text)
  run('import', '--into', folder, join(dir, 'late.csv'))
  await page.getByRole('heading', { name: '2 meters need you. Of one more there is something to know.' }).waitFor()
  const list = await told(page)
  assert.deepEqual(list.map(([meter, kind]) => [meter, kind]), [['transformer', 'suspicious'], ['bela', 'suspicious'], ['anna', 'told']])
  assert.ok(list[2].includes('No reading; settled on what was measured the day before | 2 Jun, 16:00 – 21:00 | 5 | 2.400 kWh taken | Nothing: the reading came, and the bills are corrected.'), list[2].join('\n'))
  assert.ok(list[2].some((r) => r.startsWith('Read after the settlement | 2 Jun, 16:00 – 21:00 | 5 |')), list[2].join('\n'))
  await page.close()
})

test('a member disputes readings, and the operator sees it', async () => {
  const page = await b.open(run('link', folder, 'cleo').match(/http:\S+/)[0])
  await page.getByRole('heading', { name: 'You are signed in as cleo.' }).waitFor()
  await page.goto(`${s.url}/meters`)
  await shown(page)
  for (const label of ['From', 'Until']) {
    await page.getByLabel(label).fill('2026-06-02')
    await page.getByLabel(label).blur()
  }
  await page.getByRole('button', { name: 'These readings of cleo are wrong' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'The operator is told that the readings of cleo on these days are wrong' }).waitFor()
  await page.close()

  await b.context.clearCookies()
  const next = await b.open(run('link', folder, 'operator').match(/http:\S+/)[0])
  await next.getByRole('heading', { name: 'You are signed in as operator.' }).waitFor()
  await next.goto(`${s.url}/exceptions/2026-06`)
  await next.getByRole('heading', { name: /^3 meters need you/ }).waitFor()
  const cleo = (await told(next)).find(([meter]) => meter === 'cleo')
  assert.deepEqual(cleo, ['cleo', 'disputed', 'The member says it is wrong | 2 Jun, 00:00 – 3 Jun, 00:00 | 24 | – | Read the register on the meter together with the member, and import what is right.'])
  await next.close()
})

test('a month without any, in German; and nobody else', async () => {
  const page = await b.open(`${s.url}/exceptions/2026-07`)
  await page.getByText('Nothing yet: as soon as meters report').waitFor()
  await page.evaluate(() => localStorage.setItem('language', 'de'))
  await page.goto(`${s.url}/exceptions/2026-06`)
  await page.getByText('Nach einem Verbraucher ohne Zähler suchen').waitFor()
  await page.evaluate(() => localStorage.setItem('language', 'en'))
  await b.context.clearCookies()
  await page.goto(`${s.url}/exceptions/2026-06`)
  await page.getByRole('heading', { name: 'This is not for everybody' }).waitFor()
  await page.close()
})
