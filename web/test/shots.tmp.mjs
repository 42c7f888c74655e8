import { Served, browser, become } from './harness.mjs'
const s = await Served.start(['demo','--seed','7','--at','2026-06-20T18:30','--speed','0','--port','0'])
await s.ready()
const b = await browser()
const go = async (name, path, opt={}) => { const page = await b.open(s.url + path, opt); await page.waitForTimeout(900); await page.screenshot({ path: `/tmp/${name}.png`, fullPage: true }); if (page.faults.length) console.log(name, page.faults); await page.close() }
for (const j of JSON.parse(process.argv[2])) { if (j.role) await become(b.context, s, j.role); await go(j.name, j.path, j.opt) }
await b.close(); await s.stop()
