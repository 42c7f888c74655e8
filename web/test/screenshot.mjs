// Takes the pictures that the tests compare, and the one of the README.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Served, browser, frozen, root } from './harness.mjs'
import { pictures, shoot } from './pictures.mjs'

const folder = join(root, 'web', 'test', 'pictures')
mkdirSync(folder, { recursive: true })
const [s, b] = await Promise.all([Served.start(['demo', ...frozen, '--port', '0']), browser()])
try {
  await s.ready()
  for (const p of pictures) {
    writeFileSync(join(folder, `${p.name}.png`), await shoot(b, s, p))
    console.log(`web/test/pictures/${p.name}.png`)
  }
  writeFileSync(join(root, 'docs', 'screenshot.png'), await shoot(b, s, { role: 'Weber', path: '/today', height: 1130 }))
  console.log('docs/screenshot.png')
} finally {
  await b.close()
  await s.stop()
}
