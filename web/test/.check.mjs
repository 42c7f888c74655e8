import { browser } from './harness.mjs'
const b = await browser()
const page = await b.open(process.argv[2], { width: 900, height: 900 })
for (let i = 0; i < 2; i++) {
await page.click('button[type=submit]')
await page.waitForSelector('[data-verdict]', { timeout: 20000 })
console.log(await page.locator('[data-result]').innerText())
}
console.log(page.faults)
await page.screenshot({ path: '/tmp/c1.png', fullPage: true })
await b.close()
