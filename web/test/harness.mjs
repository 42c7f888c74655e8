// What the browser tests stand on: a real node with the demo's community, frozen
// at one moment, and Debian's Chromium.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import jsqr from 'jsqr'
import { chromium } from 'playwright-core'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const binary = process.env.COMMONWATT_BIN ?? join(root, 'bin', 'commonwatt')

/** The moment that screenshots and figures are of. */
export const frozen = ['--seed', '7', '--at', '2026-06-20T18:30', '--speed', '0']

/**
 * A program of ours that serves pages.
 * @property {string} url where
 * @property {import('node:child_process').ChildProcess} process
 * @property {number} started when it was started, by performance.now()
 * @property {number} up milliseconds until it answered
 */
export class Served {
  static async start(args, { env = {} } = {}) {
    const s = new Served()
    s.started = performance.now()
    s.process = spawn(binary, args, { cwd: root, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    s.log = ''
    s.process.stderr.on('data', (d) => (s.log += d))
    s.url = await new Promise((resolve, reject) => {
      let out = ''
      s.process.stdout.on('data', (d) => {
        out += d
        const found = out.match(/http:\/\/localhost:\d+/)
        if (found) resolve(found[0])
      })
      s.process.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${out}${s.log}`)))
    })
    while (!(await answers(`${s.url}/healthz`))) await pause(5)
    s.up = performance.now() - s.started
    return s
  }

  /** Waits until the node is ready: of a demo, until its history is settled. */
  async ready() {
    while (!(await answers(`${this.url}/readyz`))) await pause(50)
    return this
  }

  /** GETs JSON of the API, as whoever a cookie says. */
  async get(path, cookie = '') {
    const r = await fetch(`${this.url}/api/v1${path}`, { headers: cookie ? { cookie } : {} })
    if (!r.ok) throw new Error(`${path}: ${r.status} ${await r.text()}`)
    return r.json()
  }

  /** Ends it as a person would, and waits. */
  async stop(signal = 'SIGINT') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = once(this.process, 'exit')
    this.process.kill(signal)
    await ended
  }
}

const pause = (ms) => new Promise((r) => setTimeout(r, ms))

async function answers(url) {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

/** Starts the browser with a profile of its own, in somebody's language, with JavaScript or without. */
export async function browser({ locale = 'en-GB', javaScriptEnabled = true } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'commonwatt-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.COMMONWATT_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--force-color-profile=srgb', '--font-render-hinting=none'],
    locale,
    javaScriptEnabled,
    timezoneId: 'Europe/Berlin',
    viewport: { width: 1440, height: 900 },
  })
  return {
    context,
    /** Opens a page; what it logs as an error fails the test that asks for faults. */
    async open(url, { width = 1440, height = 900, scheme = 'light' } = {}) {
      const page = await context.newPage()
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      page.faults = []
      page.on('pageerror', (e) => page.faults.push(String(e)))
      page.on('console', (m) => m.type() === 'error' && page.faults.push(m.text()))
      await page.goto(url)
      return page
    },
    async close() {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/** Signs in to a demo as one of its roles; the cookie is the context's. */
export async function become(context, served, id) {
  const me = await (await context.request.get(`${served.url}/api/v1/me`)).json()
  const r = await context.request.post(`${served.url}/api/v1/demo/role`, { data: { id }, headers: { 'X-CSRF': me.csrf ?? '', Origin: served.url } })
  if (!r.ok()) throw new Error(`role ${id}: ${r.status()} ${await r.text()}`)
}

/** What the QR code in a picture says; the page draws the picture's pixels. */
export async function decoded(page, png) {
  const { data, width, height } = await page.evaluate(async (url) => {
    const image = new Image()
    image.src = url
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    const pen = canvas.getContext('2d')
    pen.drawImage(image, 0, 0)
    return { data: [...pen.getImageData(0, 0, image.width, image.height).data], width: image.width, height: image.height }
  }, `data:image/png;base64,${png.toString('base64')}`)
  return (jsqr.default ?? jsqr)(Uint8ClampedArray.from(data), width, height)?.data
}
