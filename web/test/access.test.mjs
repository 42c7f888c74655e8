// For everybody: no violation that axe finds, nothing that sticks out of a small
// screen, everything by the keyboard alone.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { Served, become, browser } from './harness.mjs'
import { everyPage, replayed, short, shown, traced } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let s, b
before(async () => {
  ;[s, b] = await Promise.all([Served.start(['demo', ...short, '--port', '0']), browser()])
  await s.ready()
})
after(async () => {
  await b?.close()
  await s?.stop()
})

/** Puts a loaded page into another size and light. */
async function look(page, width, colorScheme) {
  await page.setViewportSize({ width, height: width < 720 ? 844 : 900 })
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))))
}

const wrong = (page) => page.evaluate(async () => {
  const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
  return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} (${n.any[0]?.message ?? n.failureSummary})`).join('; ')}`)
})

for (const [role, paths] of everyPage) {
  test(`axe and small screens, as ${role}`, async (t) => {
    await become(b.context, s, role)
    for (const path of paths) {
      await t.test(path, async () => {
        const page = await b.open(s.url + path)
        await shown(page)
        await page.evaluate(axe)
        for (const details of await page.locator('summary').all()) await details.click()
        for (const width of [1440, 390]) {
          for (const scheme of ['light', 'dark']) {
            await look(page, width, scheme)
            assert.deepEqual(await wrong(page), [], `${width} px, ${scheme}`)
          }
        }
        for (const language of ['de', 'en']) {
          await page.evaluate((l) => localStorage.setItem('language', l), language)
          await page.reload()
          await shown(page)
          await look(page, 320, 'light')
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          assert.ok(over <= 0, `320 px in ${language}: ${over} px stick out`)
        }
        await page.close()
      })
    }
  })
}

/** Tabs through a page until it begins again, and tells what had the focus. */
async function tabs(page) {
  const list = []
  for (let i = 0; i < 400; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const e = document.activeElement
      if (!e || e === document.body) return null
      e.dataset.reached = 'yes'
      const style = getComputedStyle(e)
      const box = e.getBoundingClientRect()
      return {
        what: `${e.tagName.toLowerCase()}.${e.className} ${(e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 30)}`,
        outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, seen: box.width > 0 && box.height > 0,
      }
    })
    if (!at) break
    list.push(at)
  }
  return list
}

for (const [role, path] of [['Weber', '/today'], ['Weber', '/money'], ['Weber', '/meters'], ['Weber', replayed], ['Weber', traced], ['operator', '/operation'], ['operator', '/exceptions'], ['operator', '/files'], ['auditor', '/ledger']]) {
  test(`by keyboard alone: ${path}, as ${role}`, async () => {
    await become(b.context, s, role)
    const page = await b.open(s.url + path)
    await shown(page)
    const list = await tabs(page)
    assert.match(list[0]?.what ?? '', /skip/, 'the first key skips to the content')
    assert.deepEqual(list.filter((e) => !e.outline || !e.seen).map((e) => e.what), [], 'every focus can be seen')
    const missed = await page.evaluate(() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0 && e.dataset.reached !== 'yes')
      .map((e) => e.outerHTML.slice(0, 90)))
    assert.deepEqual(missed, [], 'everything is reached')
    await page.close()
  })
}

test('a picture by the arrow keys', async () => {
  await become(b.context, s, 'Weber')
  for (const path of ['/today', '/community', '/money']) {
    const page = await b.open(s.url + path)
    await shown(page)
    const hand = page.getByRole('slider').first()
    await hand.focus()
    const is = async (n) => assert.equal(await hand.getAttribute('aria-valuenow'), String(n), path)
    await page.keyboard.press('Home')
    await is(0)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await is(2)
    await page.keyboard.press('ArrowLeft')
    await is(1)
    const text = await hand.getAttribute('aria-valuetext')
    assert.match(text, /kWh/)
    assert.ok((await page.locator('.pick').innerText()).includes(text), 'what is heard is what is seen')
    await page.keyboard.press('End')
    await is(await hand.getAttribute('aria-valuemax'))
    await page.close()
  }
})

test('the menu of the corner', async () => {
  await become(b.context, s, 'Weber')
  const page = await b.open(`${s.url}/today`)
  await shown(page)
  const button = page.getByRole('button', { name: 'Weber household' })
  await button.focus()
  await page.keyboard.press('Enter')
  await page.locator('#corner').waitFor()
  await page.evaluate(axe)
  assert.deepEqual(await wrong(page), [])
  await page.keyboard.press('Tab')
  assert.ok(await page.evaluate(() => document.querySelector('#corner').contains(document.activeElement)), 'the next key goes into the menu')
  await page.keyboard.press('Escape')
  await page.locator('#corner').waitFor({ state: 'detached' })
  assert.ok(await button.evaluate((e) => e === document.activeElement), 'the focus is back')

  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Auditor' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /blocks, and everybody/ }).waitFor()
  await page.close()
})

test('a search that finds nothing says what can be searched', async () => {
  await become(b.context, s, 'auditor')
  const page = await b.open(`${s.url}/ledger`)
  await shown(page)
  await page.getByRole('searchbox').fill('no such thing')
  await page.keyboard.press('Enter')
  await page.getByText(/Nothing is called “no such thing”/).waitFor()
  await page.getByRole('searchbox').fill('8')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Block 8' }).waitFor()
  assert.equal(await page.getByText(/Nothing is called/).count(), 0)
  await page.close()
})
