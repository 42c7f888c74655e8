// Signing in, as a member does: a one-time link, a passkey, out, and in again by the
// passkey. The authenticator is the browser's virtual one (W3C Web Authentication,
// section 11).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Served, binary, browser, root } from './harness.mjs'
import { shown } from './pages.mjs'

const dir = mkdtempSync(join(tmpdir(), 'commonwatt-signin-'))
const folder = join(dir, 'riverside')
const run = (...args) => execFileSync(binary, args, { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } }).trim()

let s, b
before(async () => {
  run('settle', 'examples/riverside.toml', '--readings', 'examples/riverside.csv.gz', '--out', folder)
  ;[s, b] = await Promise.all([Served.start(['up', folder, '--port', '0']), browser()])
})
after(async () => {
  await b?.close()
  await s?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const me = async () => (await b.context.request.get(`${s.url}/api/v1/me`)).json()

test('a link, a passkey, out, and in again by the passkey', async () => {
  assert.equal((await me()).id, '', 'nobody is signed in')
  const link = run('link', folder, 'anna').match(/http:\S+/)[0]
  assert.ok(link.startsWith(s.url), `the link ${link} leads to ${s.url}`)

  const page = await b.open(`${s.url}/signin`)
  const cdp = await b.context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  await page.goto(link)
  await page.reload() // Of an address that differs in its fragment alone, nothing is loaded.
  await page.waitForFunction(() => !location.hash)
  await assertSoon(async () => (await me()).id !== '', 'the link signs in')
  const anna = await me()
  assert.equal(anna.role, 'household')
  assert.equal(anna.name, 'anna')
  assert.ok(!page.url().includes('#'), 'the token is gone from the address')

  await page.goto(`${s.url}/signin`)
  await shown(page)
  await page.getByRole('button', { name: /passkey/i }).click()
  await page.locator('[role=status]', { hasText: /added|passkey/i }).waitFor()
  await page.evaluate(async (csrf) => {
    const r = await fetch('/api/v1/session', { method: 'DELETE', headers: { 'X-CSRF': csrf } })
    if (!r.ok) throw new Error(`signing out: ${r.status}`)
  }, anna.csrf)
  assert.equal((await me()).id, '', 'signed out')

  await page.goto(`${s.url}/signin`)
  await shown(page)
  await page.getByRole('button', { name: /passkey/i }).click()
  await assertSoon(async () => (await me()).id === anna.id, 'the passkey signs in')
  assert.equal((await me()).account, anna.account)
  assert.notEqual((await me()).csrf, anna.csrf, 'it is another session')

  const again = await b.open(link)
  await again.locator('[role=alert]').waitFor()
  assert.match(await again.locator('[role=alert]').innerText(), /used|ask for a new one/)
  await again.close()
  await page.close()
})

/** Asks again until something holds, for ten seconds. */
async function assertSoon(holds, what) {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await holds()) return
    await new Promise((r) => setTimeout(r, 50))
  }
  assert.fail(what)
}
