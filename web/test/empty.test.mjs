// The first hour of a community: nobody is there yet, then the first member, and
// nothing measured. Pages say so, and say what comes next.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, binary, browser } from './harness.mjs'
import { shown } from './pages.mjs'

const dir = mkdtempSync(join(tmpdir(), 'commonwatt-empty-'))
const run = (...args) => execFileSync(binary, args, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } }).trim()
const elm = join(dir, 'elm')

let s, b
before(async () => {
  run('init', elm, '--name', 'Elm Street', '--time-zone', 'Europe/Berlin', '--retail', '0.32', '--feed-in', '0.08')
  ;[s, b] = await Promise.all([Served.start(['up', elm, '--port', '0']), browser()])
})
after(async () => {
  await b?.close()
  await s?.stop()
  rmSync(dir, { recursive: true, force: true })
})

test('a community without members, and the first one', async () => {
  const page = await b.open(s.url)
  await page.getByRole('heading', { name: 'This community has no members yet.' }).waitFor()
  await page.goto(`${s.url}/today`)
  await page.getByRole('heading', { name: 'This community has no members yet.' }).waitFor()
  await page.goto(`${s.url}/ledger`)
  await page.getByRole('heading', { name: /block/i }).first().waitFor()
  await page.goto(s.url)

  run('member', 'add', elm, 'anna')
  await page.getByRole('heading', { name: 'Nothing is settled for this day yet.' }).waitFor()
  await page.goto(`${s.url}/money`)
  await page.getByRole('heading', { name: 'Sign in to see your own pages.' }).waitFor()
  assert.deepEqual(page.faults, [])
  await page.close()
})

test('a member of whom nothing is measured, and the operator', async () => {
  for (const [who, pages] of [['anna', ['today', 'money', 'community']], ['operator', ['operation', 'community']]]) {
    const page = await b.open(run('link', elm, who))
    await page.getByRole('heading', { name: `You are signed in as ${who}.` }).waitFor()
    for (const path of pages) {
      await page.goto(`${s.url}/${path}`)
      await shown(page)
      assert.match(await page.locator('main h1').innerText(), /^Nothing is settled/, `${path}, as ${who}`)
    }
    assert.deepEqual(page.faults, [])
    await page.close()
  }
})
