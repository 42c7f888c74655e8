// Meters: a household connects one by a code, as a device would bring it, sees its key
// and takes it away, downloads its readings; the operator brings a meter file, a wrong
// one first. By keyboard, and without a violation that axe finds.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, binary, browser } from './harness.mjs'
import { shown } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const dir = mkdtempSync(join(tmpdir(), 'commonwatt-meters-'))
const elm = join(dir, 'elm')
const run = (...args) => execFileSync(binary, args, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] }).trim()

let s, b
before(async () => {
  run('init', elm, '--name', 'Elm Street', '--time-zone', 'UTC', '--interval', '60', '--retail', '0.32', '--feed-in', '0.08')
  run('member', 'add', elm, 'anna')
  ;[s, b] = await Promise.all([Served.start(['up', elm, '--port', '0', '--mqtt', '127.0.0.1:0', '--from', '2026-06-01']), browser()])
})
after(async () => {
  await b?.close()
  await s?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** Opens a page as somebody who signed in by a link. */
async function as(who, path) {
  const page = await b.open(run('link', elm, who))
  await page.getByRole('heading', { name: `You are signed in as ${who}.` }).waitFor()
  await page.goto(s.url + path)
  await shown(page)
  await page.getByRole('heading', { level: 1 }).waitFor()
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
    if (process.env.COMMONWATT_PICTURES) await page.screenshot({ path: join(process.env.COMMONWATT_PICTURES, `${what}-${width}.png`.replaceAll(' ', '-')), fullPage: true })
  }
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.emulateMedia({ colorScheme: 'light' })
}

test('a household connects its meter, and takes its key away', async () => {
  const page = await as('anna', '/meters')
  await page.getByRole('heading', { name: 'None of your meters signs what it reads.' }).waitFor()
  await sound(page, 'no key')

  await page.getByRole('button', { name: 'Connect a meter: anna' }).focus()
  await page.keyboard.press('Enter')
  const code = page.locator('[data-figure=code]')
  await code.waitFor()
  assert.match(await code.innerText(), /^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/)
  assert.match(await page.getByRole('timer').innerText(), /^good for 1[45]:\d\d more, once$/)
  assert.ok(await page.evaluate(() => document.activeElement?.getAttribute('aria-labelledby') === 'code'), 'the code has the focus')
  await page.getByRole('img', { name: /QR/ }).waitFor()
  await sound(page, 'a code')

  const address = `${s.url}/meters#${await code.innerText()}`
  run('device', 'enrol', address, join(dir, 'meter'))
  await page.getByRole('status').filter({ hasText: 'anna is connected: it signs with key number 1.' }).waitFor()
  await page.getByRole('heading', { name: 'Your meter signs what it reads.' }).waitFor()
  assert.throws(() => run('device', 'enrol', address, join(dir, 'thief')), /409 Conflict: session: the code was used/)

  run('device', 'send', join(dir, 'meter'), '--start', '2026-06-01T00:00:00Z', '--import', '1000')
  await page.reload()
  await page.getByRole('cell', { name: /1 Jun.*01:00/ }).waitFor()
  await sound(page, 'a key')

  await page.getByRole('button', { name: 'Another key: anna' }).click()
  const next = await code.innerText()
  await page.getByRole('checkbox', { name: /Another meter takes its place/ }).check()
  await page.waitForFunction((was) => document.querySelector('[data-figure=code]').textContent !== was, next)
  assert.throws(() => run('device', 'enrol', `${s.url}/meters#${next}`, join(dir, 'older')), /a newer one took its place/)
  await page.getByRole('button', { name: 'Close' }).click()
  await code.waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Revoke the key: anna' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Revoke the key of anna?' }).waitFor()
  await sound(page, 'sure')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  assert.equal(await page.getByRole('cell', { name: 'signs' }).count(), 1, 'nothing happened')
  await page.getByRole('button', { name: 'Revoke the key: anna' }).click()
  await page.getByRole('button', { name: 'Revoke it' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'The key of anna is revoked.' }).waitFor()
  await page.getByRole('cell', { name: 'revoked' }).waitFor()
  assert.throws(() => run('device', 'send', join(dir, 'meter'), '--start', '2026-06-01T01:00:00Z', '--import', '2000'), /401/)
  assert.deepEqual(page.faults, [])
  await page.close()
})

const file = (text, name = 'june.csv') => ({ name, mimeType: 'text/csv', buffer: Buffer.from(`meter,start,minutes,import_wh,export_wh,quality\n${text}`) })

test('the operator brings a meter file, a wrong one first', async () => {
  const page = await as('operator', '/files')
  const input = page.locator('input[type=file]')
  await sound(page, 'no file')
  await input.setInputFiles(file('99,2026-06-01T00:00:00Z,60,250,0,A\n99,2026-06-01T01:00:00Z,60,2x,0,A\n'))
  await page.getByRole('heading', { name: 'june.csv is refused, and nothing of it is booked.' }).waitFor()
  const text = await page.locator('.facts').innerText()
  for (const part of ['june.csv, line 2', '99', 'is not a meter of this community']) assert.ok(text.includes(part), text)
  await sound(page, 'refused')

  await input.setInputFiles(file('anna,2026-06-01T00:00:00Z,60,2x,0,A\n'))
  await page.locator('.facts', { hasText: '2x' }).waitFor()
  assert.match(await page.locator('.facts').innerText(), /line 2[\s\S]*import_wh[\s\S]*2x/)

  await input.setInputFiles(file('99,2026-06-01T00:00:00Z,60,250,0,A\n99,2026-06-01T01:00:00Z,60,300,0,A\n', 'good.csv'))
  const select = page.getByRole('combobox', { name: 'In the community: 99' })
  await select.waitFor()
  await select.selectOption('anna')
  await page.getByRole('button', { name: 'Read it again' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'What good.csv holds' }).waitFor()
  await page.getByText('2 readings; nothing was booked').waitFor()
  await sound(page, 'read')
  await page.getByRole('button', { name: 'Book 2 readings' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: '2 readings are on the ledger.' }).waitFor()
  await sound(page, 'booked')
  assert.deepEqual(page.faults.filter((f) => !f.includes('422')), [])
  await page.close()
})

test('a dropped file is read, too; a household has no such page', async () => {
  const page = await as('operator', '/files')
  const data = await page.evaluateHandle((text) => {
    const d = new DataTransfer()
    d.items.add(new File([text], 'dropped.csv'))
    return d
  }, file('anna,2026-06-01T00:00:00Z,60,250,0,A\n').buffer.toString())
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: data })
  await page.getByRole('heading', { name: 'What dropped.csv holds' }).waitFor()
  await page.close()

  const anna = await as('anna', '/files')
  assert.equal(await anna.locator('input[type=file]').count(), 0)
  assert.match(await anna.locator('main h1').innerText(), /not yours/)
  await anna.goto(`${s.url}/meters`)
  await anna.getByLabel('From').fill('2026-06-01')
  await anna.getByLabel('Until').fill('2026-06-02')
  const [download] = await Promise.all([anna.waitForEvent('download'), anna.getByRole('link', { name: /CSV/ }).click()])
  assert.match(readFileSync(await download.path(), 'utf8'), /^anna,2026-06-01T00:00:00Z,60,250,0,A$/m)
  const [xml] = await Promise.all([anna.waitForEvent('download'), anna.getByRole('link', { name: /Green Button/ }).click()])
  assert.match(readFileSync(await xml.path(), 'utf8'), /<feed xmlns="http:\/\/www.w3.org\/2005\/Atom">/)
  await anna.close()
})
