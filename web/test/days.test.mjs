// Days that are not 24 hours long, and a reading that came late.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Served, become, browser } from './harness.mjs'
import { openTable, short, shown } from './pages.mjs'

let b
before(async () => { b = await browser() })
after(async () => { await b?.close() })

const sum = (list) => list.reduce((n, x) => n + x, 0)

for (const [date, intervals, what] of [['2026-03-29', 92, 'an hour is missing'], ['2025-10-26', 100, 'an hour comes twice']]) {
  test(`${date}, when ${what}: ${intervals} intervals`, async () => {
    const s = await (await Served.start(['demo', '--seed', '7', '--at', `${date}T20:00`, '--speed', '0', '--days', '1', '--port', '0'])).ready()
    try {
      await become(b.context, s, 'Albers')
      const { account } = await (await b.context.request.get(`${s.url}/api/v1/me`)).json()
      const at = `/api/v1/accounts/${account}/days/${date}`
      const day = await (await b.context.request.get(s.url + at)).json()
      assert.equal(day.intervals.length, intervals)
      assert.equal(day.end - day.start, intervals * 900)
      const settled = day.intervals.filter((i) => i.state === 'settled')
      assert.equal(settled.length, intervals - 18, 'all until half an hour before')
      assert.equal(sum(settled.map((i) => i.roof + i.battery + i.neighbours + i.grid)), day.used.wh)

      const page = await b.open(`${s.url}/today/${date}`)
      await shown(page)
      assert.equal(await page.locator('.chart rect.sure').count(), intervals, 'a mark for each interval')
      assert.equal(await page.locator('.chart [role=slider]').getAttribute('aria-valuemax'), String(intervals - 1))
      await openTable(page)
      assert.equal(await page.locator('[data-figure=table] tbody tr').count(), settled.length + day.progress.provisional)
      const times = await page.locator('[data-figure=table] tbody th').allInnerTexts()
      assert.equal(new Set(times).size, times.length, 'no two rows have the same time')
      assert.deepEqual(page.faults, [])
      await page.close()

      // A time of day alone would not say which of the two hours it is.
      const lines = (await (await b.context.request.get(`${s.url}${at}/intervals.csv`)).text()).trimEnd().split('\r\n').slice(1)
      const starts = lines.map((l) => l.split(',')[0])
      assert.equal(new Set(starts).size, settled.length + day.progress.provisional)
      assert.deepEqual(starts.map((t) => Date.parse(t) / 1000), day.intervals.slice(0, starts.length).map((i) => i.start))
      const second = starts.filter((t) => t.includes('T02:'))
      assert.equal(second.length, intervals === 92 ? 0 : 8)
      if (second.length) assert.deepEqual([second[0].slice(-6), second[4].slice(-6)], ['+02:00', '+01:00'])
    } finally {
      await s.stop()
    }
  })
}

test('a reading that came late is a revision on the day, in the month and on the bill', async () => {
  const s = await (await Served.start(['demo', ...short, '--port', '0'])).ready()
  try {
    await become(b.context, s, 'Weber')
    const { account } = await (await b.context.request.get(`${s.url}/api/v1/me`)).json()
    const day = await (await b.context.request.get(`${s.url}/api/v1/accounts/${account}/days/2026-06-19`)).json()
    assert.equal(day.revisions.length, 8)
    for (const r of day.revisions) {
      const i = day.intervals.find((x) => x.start === r.start)
      assert.deepEqual([i.revision, i.amount, i.block], [r.revision, r.after.units, r.block], 'the interval is that of the correction')
    }
    const today = await b.open(`${s.url}/today/2026-06-19`)
    await shown(today)
    assert.equal(await today.locator('[data-figure=revision]').count(), 8)
    assert.match(await today.locator('[data-figure=revision]').first().innerText(), /€.*→.*€/s)
    const money = await b.open(`${s.url}/money/2026-06`)
    await shown(money)
    assert.match(await money.locator('main').innerText(), /A reading came late/)
    const bill = await b.open(`${s.url}/bill/${account}/2026-06?lang=en`)
    assert.equal(await bill.locator('tr', { hasText: '2026' }).filter({ hasText: /19 June/ }).count() >= 8, true, 'the bill lists the corrected intervals')
    for (const p of [today, money, bill]) await p.close()
  } finally {
    await s.stop()
  }
})
