// A device in another language: the mqtt package of npm as it is, signatures by Node, and
// CBOR by hand. What it signs is settled; what is wrong with a message it is told.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import mqtt from 'mqtt'
import { Served, binary, root } from './harness.mjs'

/** The head of a CBOR item (RFC 8949, section 3): its major type and an argument, in the shortest form. */
function head(major, argument) {
  const n = BigInt(argument)
  if (n < 24n) return Buffer.from([(major << 5) | Number(n)])
  for (const [extra, bytes] of [[24, 1], [25, 2], [26, 4], [27, 8]]) {
    if (n >> BigInt(8 * bytes)) continue
    const b = Buffer.alloc(8)
    b.writeBigUInt64BE(n)
    return Buffer.concat([Buffer.from([(major << 5) | extra]), b.subarray(8 - bytes)])
  }
  throw new Error(`${n} is too large`)
}
const uint = (n) => head(0, n)
const bytes = (b) => Buffer.concat([head(2, b.length), b])
const text = (s) => Buffer.concat([head(3, Buffer.byteLength(s)), Buffer.from(s)])
const array = (...items) => Buffer.concat([head(4, items.length), ...items])

/** What a device says, as docs/operations.md has it: a map of eleven numbers. */
const payload = (m) => Buffer.concat([head(5, 11), ...[
  1, m.microgrid, m.device, m.epoch, m.sequence, m.start, m.duration, m.imported, m.exported, m.quality.charCodeAt(0), m.clock,
].map((value, i) => Buffer.concat([uint(i + 1), uint(value)]))])

const eddsa = Buffer.from('a10127', 'hex') // {1: -8}
const raw = (key) => createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)

/** A tagged COSE_Sign1 (RFC 9052, section 4.2) of a message. */
function signed(m, key, chain) {
  const said = payload(m)
  const over = array(text('Signature1'), bytes(eddsa), bytes(Buffer.from(`commonwatt/device/1\n${chain}`)), bytes(said))
  const kid = Buffer.concat([head(5, 1), uint(4), bytes(raw(key))])
  return Buffer.concat([head(6, 18), array(bytes(eddsa), kid, bytes(said), bytes(sign(null, over, key)))])
}

const vectors = readFileSync(join(root, 'device/testdata/messages.txt'), 'utf8')

test('the bytes are those of the examples', () => {
  const of = (name) => vectors.match(new RegExp(`^${name} (.*)$`, 'm'))[1]
  const key = createPrivateKey({ key: Buffer.from('302e020100300506032b657004220420' + of('seed'), 'hex'), format: 'der', type: 'pkcs8' })
  let seen = 0
  for (const example of vectors.split('\n\n').slice(2)) {
    const f = (name) => example.match(new RegExp(`\\b${name} (\\S+)`))[1]
    const m = {
      microgrid: f('microgrid'), device: f('device'), epoch: f('epoch'), sequence: f('sequence'), start: f('start'), duration: f('duration'),
      imported: f('import'), exported: f('export'), quality: f('quality'), clock: f('clock'),
    }
    assert.equal(signed(m, key, of('chain')).toString('hex'), f('message'))
    seen++
  }
  assert.ok(seen >= 3)
})

const dir = mkdtempSync(join(tmpdir(), 'commonwatt-mqtt-'))
const elm = join(dir, 'elm')
const run = (...args) => execFileSync(binary, args, { cwd: dir, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } }).trim()
const hour = 3600
const day = new Date(Date.now() - 48 * hour * 1000).toISOString().slice(0, 10)
const begin = Date.parse(`${day}T00:00:00Z`) / 1000

let s, status
before(async () => {
  run('init', elm, '--name', 'Elm Street', '--time-zone', 'UTC', '--interval', '60', '--retail', '0.32', '--feed-in', '0.08')
  run('member', 'add', elm, 'anna')
  run('member', 'add', elm, 'bela')
  s = await Served.start(['up', elm, '--port', '0', '--from', day, '--grace', '100h', '--mqtt', '127.0.0.1:0'])
  status = JSON.parse(run('status', elm, '-o', 'json'))
})
after(async () => {
  await s?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** A device: its key is booked, its credential made, and it is connected. */
async function device(meter) {
  const { privateKey: key } = generateKeyPairSync('ed25519')
  run('meter', 'key', elm, meter, raw(key).toString('hex'))
  const [c] = JSON.parse(run('meter', 'credential', elm, meter, '-o', 'json'))
  const [microgrid, number] = c.user.split('/')
  const client = await mqtt.connectAsync(status.gateway.address, { username: c.user, password: c.password, clientId: meter })
  const heard = []
  let waits
  client.on('message', (_, body) => {
    heard.push(JSON.parse(body))
    waits?.()
  })
  await client.subscribeAsync(c.receipt, { qos: 0 })
  return {
    ...c,
    key,
    client,
    /** The message of a sequence: 100 Wh an hour, unless something is to be different. */
    message: (sequence, change = {}) => ({
      microgrid, device: number, epoch: 1, sequence, start: begin + (sequence - 1) * hour, duration: hour,
      imported: 100 * sequence, exported: 0, quality: 'A', clock: 1, ...change,
    }),
    /** Publishes and waits for the receipt. */
    async says(topic, body) {
      await client.publishAsync(topic, body, { qos: 1 })
      while (!heard.length) await new Promise((r) => (waits = r))
      return heard.shift()
    },
  }
}

test('npm mqtt delivers readings that are settled, and is told what is wrong with others', async () => {
  const anna = await device('anna')
  const bela = await device('bela')
  const own = (m, key = anna.key) => signed(m, key, status.chain)
  const forged = own(anna.message(3))
  forged[forged.length - 1] ^= 1
  for (const [what, topic, body, want] of [
    ['a reading', anna.reading, own(anna.message(1)), 'accepted'],
    ['the next one', anna.reading, own(anna.message(2)), 'accepted'],
    ['a replay', anna.reading, own(anna.message(1)), 'known'],
    ['a wrong signature', anna.reading, forged, 'refused 9009'],
    ['another one’s key', anna.reading, own(anna.message(3), bela.key), 'refused 9063'],
    ['a foreign topic', bela.reading, own(anna.message(3)), 'refused foreign_topic'],
    ['a stale clock', anna.reading, own(anna.message(3, { start: begin - 24 * hour })), 'refused 9069'],
    ['a future clock', anna.reading, own(anna.message(3, { start: begin + 30 * 24 * hour })), 'refused 9068'],
    ['another message under its sequence', anna.reading, own(anna.message(2, { imported: 999 })), 'refused 9064'],
  ]) {
    const r = await anna.says(topic, body)
    assert.equal([r.status, r.refusal ?? r.code].filter(Boolean).join(' '), want, what)
    assert.equal(Boolean(r.why), r.status === 'refused', `${what}: ${r.why}`)
  }
  await bela.says(bela.reading, signed(bela.message(1), bela.key, status.chain))
  await bela.says(bela.reading, signed(bela.message(2), bela.key, status.chain))

  // The first reading of a register says where it begins: that hour is booked otherwise.
  const rows = ['anna', 'bela'].map((meter) => `${meter},${day}T00:00:00Z,60,50,0,A`)
  writeFileSync(join(dir, 'first.csv'), ['meter,start,minutes,import_wh,export_wh,quality', ...rows, ''].join('\n'))
  run('import', '--into', elm, 'first.csv')
  const settled = () => JSON.parse(run('status', elm, '-o', 'json')).microgrids[0].open >= begin + 2 * hour
  for (const end = Date.now() + 20_000; !settled();) {
    assert.ok(Date.now() < end, 'two hours are settled')
    await new Promise((r) => setTimeout(r, 50))
  }
  const printed = run('today', elm, 'anna', day, '-o', 'csv')
  assert.match(printed, /,100,/)
  assert.equal(printed.match(/,settled,/g).length, 2, printed)
  await Promise.all([anna.client.endAsync(), bela.client.endAsync()])
})
