// In the browser, as each role: the menu and the pages that it has, and what other
// addresses say: a clear refusal, and no figures.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Served, become, browser } from './harness.mjs'
import { replayed, short, shown, traced } from './pages.mjs'

let s, b, accounts
before(async () => {
  s = await (await Served.start(['demo', ...short, '--port', '0'])).ready()
  b = await browser()
  accounts = Object.fromEntries((await s.get('/me')).demo.roles.map((r) => [r.id, r.account]))
})
after(async () => { await b?.close(); await s?.stop() })

const menus = {
  Albers: ['Today', 'Money', 'Certificates', 'Meters', 'Community', 'Ledger'],
  operator: ['Operation', 'Exceptions', 'Meter files', 'Certificates', 'Community', 'Ledger'],
  Molkerei: ['Certificates', 'Community', 'Ledger'],
  auditor: ['Ledger', 'Community'],
  visitor: ['Community', 'Ledger', 'Sign in'],
}
const figures = /\d[.,]\d\d kWh|€\d/

for (const [role, menu] of Object.entries(menus)) {
  test(`${role}: the menu`, async () => {
    await become(b.context, s, role)
    const page = await b.open(s.url)
    await shown(page)
    const links = (await page.locator('aside nav a').allInnerTexts()).map((l) => l.trim()).filter((l) => l !== 'Documentation')
    assert.deepEqual([...links].sort(), [...menu].sort())
    await page.close()
  })
}

for (const [role, paths] of Object.entries({
  Albers: ['/today?account=Weber', '/money?account=Weber', '/today/2026-06-19?account=Weber', `${replayed}?account=Weber`, `${traced}?account=Weber`, '/operation'],
  Molkerei: ['/certificates?account=Weber', '/today?account=Weber', '/money?account=Weber', '/operation'],
  auditor: ['/today?account=Weber', '/money?account=Weber', '/operation'],
  visitor: ['/today?account=Weber', '/money?account=Weber', '/operation'],
})) {
  for (const path of paths) {
    test(`${role}: ${path} is refused and shows no figures`, async () => {
      await become(b.context, s, role)
      const page = await b.open(s.url + path.replace('Weber', accounts.Weber))
      await shown(page)
      const text = await page.locator('main').innerText()
      assert.match(text, /sign in|not yours|not for you|operator/i)
      assert.doesNotMatch(text, figures)
      assert.ok(!text.includes('Weber'), text)
      await page.close()
    })
  }
}

test('another household’s receipt is sealed, and its bill is refused', async () => {
  await become(b.context, s, 'Weber')
  const me = { account: accounts.Weber }
  const day = await (await b.context.request.get(`${s.url}/api/v1/accounts/${me.account}/days/2026-06-19`)).json()
  const block = day.intervals.find((i) => i.state === 'settled').block
  const entries = (await (await b.context.request.get(`${s.url}/api/v1/envelopes/${block}.0`)).json()).facts
  const own = entries.find((f) => f.audience === me.account && f.name === 'settlement.statement')
  assert.ok(own, 'Weber has a statement there')
  for (const role of ['Albers', 'auditor', 'visitor']) {
    await become(b.context, s, role)
    const page = await b.open(`${s.url}/ledger/receipt/${own.height}.${own.position}.${own.n}`)
    await shown(page)
    const text = await page.locator('main').innerText()
    assert.match(text, /sealed/i)
    assert.ok(!text.includes(me.account) && !/import_wh|Weber/.test(text), text)
    await page.close()
    const bill = await b.context.request.get(`${s.url}/bill/${me.account}/2026-06`)
    assert.ok([401, 403].includes(bill.status()), `the bill as ${role}: ${bill.status()}`)
    assert.doesNotMatch(await bill.text(), figures)
  }
})
