// A browser that speaks German sees German, and nothing else.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import ts from 'typescript'
import { Served, become, browser } from './harness.mjs'
import { everyPage, short, shown } from './pages.mjs'

/** A table of words from its source. */
async function table(name) {
  const source = readFileSync(new URL(`../src/lib/${name}.ts`, import.meta.url), 'utf8')
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } })
  return (await import(`data:text/javascript,${encodeURIComponent(outputText)}`))[name]
}
const [en, de] = await Promise.all([table('en'), table('de')])

/** Every text of a table by its key; what takes figures is given some. */
function* texts(words, path = '') {
  for (const [key, value] of Object.entries(words)) {
    const at = path ? `${path}.${key}` : key
    if (typeof value === 'function') {
      yield [at, value(...Array.from({ length: value.length }, () => '7'))]
      yield [at, value(...Array.from({ length: value.length }, (_, i) => (i === 0 ? 1 : '')))]
    } else if (typeof value === 'object') yield* texts(value, at)
    else yield [at, String(value)]
  }
}

test('both languages have the same keys', () => {
  const keys = (w) => [...new Set([...texts(w)].map(([k]) => k))].sort()
  assert.deepEqual(keys(de), keys(en))
})

const tokens = (text) => new Set(text.toLowerCase().match(/\p{L}{3,}/gu) ?? [])

test('no English word is left', async (t) => {
  const german = tokens([...texts(de)].map(([, v]) => v).join(' '))
  const english = new Set([...tokens([...texts(en)].map(([, v]) => v).join(' '))].filter((w) => !german.has(w)))
  assert.ok(english.size > 300, `only ${english.size} words tell the languages apart`)

  const [s, b] = await Promise.all([Served.start(['demo', ...short, '--port', '0']), browser({ locale: 'de-DE' })])
  try {
    await s.ready()
    for (const [role, paths] of everyPage) {
      await become(b.context, s, role)
      for (const path of paths) {
        await t.test(`${path}, as ${role}`, async () => {
          const page = await b.open(s.url + path)
          await shown(page)
          assert.equal(await page.evaluate(() => document.documentElement.lang), 'de')
          for (const details of await page.locator('summary').all()) await details.click()
          // Names, identifiers and what the node says to programs are as they are.
          const text = await page.evaluate(() => {
            const data = '.brand, .corner, .mono, [lang=en], tbody th, .facts dd, pre'
            const list = [document.title.split(' · ')[0]]
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
            for (let n = walk.nextNode(); n; n = walk.nextNode()) {
              const e = n.nodeType === Node.TEXT_NODE ? n.parentElement : n
              if (e.closest(data) || e.closest('script, style, noscript')) continue
              if (n.nodeType === Node.TEXT_NODE) list.push(n.data)
              else for (const a of ['aria-label', 'aria-valuetext', 'placeholder', 'title', 'data-label']) if (n.hasAttribute(a)) list.push(n.getAttribute(a))
            }
            return list.join(' ')
          })
          assert.deepEqual([...tokens(text)].filter((w) => english.has(w)), [])
          await page.close()
        })
      }
    }
  } finally {
    await b.close()
    await s.stop()
  }
})
