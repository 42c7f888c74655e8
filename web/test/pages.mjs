// The pages that the tests of all pages go through, and as whom.

/** A community with some days of history, which is enough for how pages work. */
export const short = ['--seed', '7', '--at', '2026-06-20T18:30', '--speed', '0', '--days', '4']

/** An interval of the frozen demo in which neighbours trade. */
export const replayed = '/replay/2026-06-20T13:00:00Z'

/** The same one of a home: where its energy came from and went. */
export const traced = '/trace/2026-06-20T13:00:00Z'

/** Every kind of page, by the role that has it. */
export const everyPage = [
  ['Weber', ['/today', '/today/2026-07-03', '/money', '/money/2026-04', '/certificates', '/meters', '/community', replayed, traced]],
  ['Muehlbach', ['/today']],
  ['Molkerei', ['/certificates']],
  ['operator', ['/certificates', '/operation', '/exceptions', '/files', replayed, '/today?account=15427447757359669825']],
  ['auditor', ['/ledger', '/ledger/block/8', '/ledger/envelope/8.0', '/ledger/receipt/8.0.0']],
  ['visitor', ['/signin', '/nowhere', '/year/2026']],
]

/** Waits until a page shows what it read. */
export async function shown(page) {
  await page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('main .loading'))
  await page.evaluate(() => document.fonts.ready)
}

/** Opens the table under the day's chart, which is drawn only then. */
export async function openTable(page) {
  await page.locator('summary', { hasText: 'View as table' }).click()
  await page.locator('[data-figure=table] tbody tr').first().waitFor()
}
