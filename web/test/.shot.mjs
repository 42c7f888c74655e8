import { browser } from './harness.mjs'
const [url, out, w='1440', h='900', full='1', scheme='light', locale='en-GB'] = process.argv.slice(2)
const b = await browser({locale})
const page = await b.open(url, {width:+w, height:+h, scheme})
await page.waitForTimeout(1200)
await page.screenshot({ path: out, fullPage: full==='1' })
console.log(page.faults)
await b.close()
