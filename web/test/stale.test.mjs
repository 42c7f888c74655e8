// A node that goes away while somebody looks: the page says so, keeps what it
// showed, and goes on by itself when the node is back.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { Served, browser } from './harness.mjs'
import { short, shown } from './pages.mjs'

let b
before(async () => { b = await browser() })
after(async () => { await b?.close() })

async function freePort() {
  const l = createServer().listen(0, '127.0.0.1')
  await once(l, 'listening')
  const { port } = l.address()
  l.close()
  await once(l, 'close')
  return String(port)
}

const banner = (page) => page.locator('.stale')
const sentence = (page) => page.locator('[data-figure=sentence]').innerText()

test('a node that is killed and started again', async (t) => {
  const args = ['demo', ...short, '--port', await freePort()]
  let s = await Served.start(args)
  try {
    await s.ready()
    const page = await b.open(`${s.url}/today`)
    await shown(page)
    await page.waitForSelector('[data-figure=settled]')
    const before = await sentence(page)

    const killed = performance.now()
    await s.stop('SIGKILL')
    await banner(page).waitFor()
    t.diagnostic(`the banner came after ${Math.round(performance.now() - killed)} ms`)
    assert.match(await banner(page).innerText(), /18:30/, 'it says of when the page is')
    assert.equal(await sentence(page), before, 'what was known stays')

    s = await Served.start(args)
    await banner(page).waitFor({ state: 'detached' })
    await s.ready()
    await page.waitForFunction((text) => document.querySelector('[data-figure=sentence]')?.innerText === text, before)

    await page.goto(`${s.url}/ledger`)
    await shown(page)
    await page.close()
  } finally {
    await s.stop()
  }
})

test('a node that hangs', async (t) => {
  const s = await Served.start(['demo', ...short, '--port', '0'])
  try {
    await s.ready()
    const page = await b.open(`${s.url}/community`)
    await shown(page)
    // It has heard the node once.
    await page.waitForFunction(() => /\d/.test(document.querySelector('.node > span')?.textContent ?? ''))
    const hung = performance.now()
    s.process.kill('SIGSTOP')
    await banner(page).waitFor()
    t.diagnostic(`the banner came after ${Math.round(performance.now() - hung)} ms`)
    s.process.kill('SIGCONT')
    await banner(page).waitFor({ state: 'detached' })
    await page.close()
  } finally {
    s.process.kill('SIGCONT')
    await s.stop()
  }
})

test('a node that is away when a page is asked for', async () => {
  const args = ['demo', ...short, '--port', await freePort()]
  let s = await Served.start(args)
  try {
    await s.ready()
    const page = await b.open(`${s.url}/today`)
    await shown(page)
    await s.stop('SIGKILL')
    await banner(page).waitFor()
    await page.locator('.rail a[href="/ledger"]').click()
    await page.getByRole('heading', { name: 'The node does not answer' }).waitFor()
    s = await Served.start(args)
    await page.getByRole('heading', { name: /blocks, and everybody/ }).waitFor()
    await page.close()
  } finally {
    await s.stop()
  }
})
