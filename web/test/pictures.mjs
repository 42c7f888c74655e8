// The pictures of the frozen demo that are kept, and how they are taken.
import { become } from './harness.mjs'
import { replayed, shown } from './pages.mjs'

const phone = { width: 390, height: 844 }

/** name, role, path, how it is looked at; whole: not only what is seen first. */
export const pictures = [
  { name: 'today', role: 'Weber', path: '/today', whole: true },
  { name: 'today-dark', role: 'Weber', path: '/today', scheme: 'dark', whole: true },
  { name: 'today-phone', role: 'Weber', path: '/today', ...phone },
  { name: 'today-past-german', role: 'Weber', path: '/today/2026-06-01', language: 'de', whole: true },
  { name: 'today-future', role: 'Weber', path: '/today/2026-07-03' },
  { name: 'today-plant', role: 'Muehlbach', path: '/today' },
  { name: 'money', role: 'Weber', path: '/money' },
  { name: 'money-phone-dark-german', role: 'Weber', path: '/money', ...phone, scheme: 'dark', language: 'de' },
  { name: 'community-dark', role: 'Weber', path: '/community', scheme: 'dark' },
  { name: 'replay', role: 'Weber', path: replayed },
  { name: 'operation', role: 'operator', path: '/operation' },
  { name: 'operation-phone-german', role: 'operator', path: '/operation', ...phone, language: 'de' },
  { name: 'signin', role: 'visitor', path: '/signin' },
]

// What differs from one run to the next: blocks have the height and the time that
// they happened to get.
const masked = '.node, a[href^="/ledger/block/"] { visibility: hidden !important; }'

/** Takes a picture, as PNG. */
export async function shoot(b, served, p) {
  await become(b.context, served, p.role)
  const page = await b.open(served.url + p.path, { width: p.width ?? 1440, height: p.height ?? 900, scheme: p.scheme ?? 'light' })
  try {
    if (p.language) {
      await page.evaluate((l) => localStorage.setItem('language', l), p.language)
      await page.reload()
    }
    await shown(page)
    await page.evaluate((css) => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
      document.adoptedStyleSheets = [sheet]
    }, masked)
    // Pictures fit the width only after it was measured.
    await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))))
    return await page.screenshot({ fullPage: p.whole ?? false, animations: 'disabled', caret: 'hide' })
  } finally {
    await page.evaluate(() => localStorage.clear())
    await page.close()
  }
}

/**
 * Compares two PNGs in the browser that took them.
 * @returns {Promise<{share: number, diff: Buffer | null, why: string}>} how many
 *   pixels are others, from 0 to 1, and a picture of them
 */
export async function compare(page, a, b) {
  const r = await page.evaluate(async ([a, b]) => {
    const read = async (png) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob())
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      const context = canvas.getContext('2d')
      context.drawImage(bitmap, 0, 0)
      return { canvas, context, data: context.getImageData(0, 0, bitmap.width, bitmap.height) }
    }
    const [was, is] = [await read(a), await read(b)]
    const { width, height } = was.data
    if (width !== is.data.width || height !== is.data.height) {
      return { share: 1, why: `${is.data.width} × ${is.data.height} pixels, not ${width} × ${height}` }
    }
    let others = 0
    for (let i = 0; i < was.data.data.length; i += 4) {
      const far = Math.max(...[0, 1, 2].map((c) => Math.abs(was.data.data[i + c] - is.data.data[i + c])))
      if (far > 8) others++
      const tone = 255 - (255 - is.data.data[i + 1]) / 5
      is.data.data.set(far > 8 ? [220, 0, 60, 255] : [tone, tone, tone, 255], i)
    }
    is.context.putImageData(is.data, 0, 0)
    const bytes = new Uint8Array(await (await is.canvas.convertToBlob()).arrayBuffer())
    let text = ''
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
    return { share: others / (width * height), diff: btoa(text), why: `${others} pixels of ${width * height}` }
  }, [a.toString('base64'), b.toString('base64')])
  return { share: r.share, why: r.why, diff: r.diff ? Buffer.from(r.diff, 'base64') : null }
}
