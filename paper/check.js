// Checks a proof in the visitor's browser, against what the visitor trusts. Without
// JavaScript none of it is there, and the page says all the same.
const main = document.querySelector('main[data-proof]')
const say = JSON.parse(document.getElementById('words').dataset.words)
const section = document.getElementById('check')
const form = section.querySelector('form')
const result = section.querySelector('[data-result]')
const key = `trust of ${main.dataset.chain}`

const put = (text, figures) => Object.entries(figures).reduce((t, [name, value]) => t.replace(`{${name}}`, value), text)

/** Makes an element with text or other elements in it. */
function make(name, content, attributes = {}) {
  const e = document.createElement(name)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...[content].flat())
  return e
}

/** The bytes of the file that was chosen, or of the page's own proof. */
async function bundle() {
  const [file] = form.elements.file.files
  if (file) return { bytes: new Uint8Array(await file.arrayBuffer()), other: file.name }
  const answer = await fetch(main.querySelector('[data-file]').href, { cache: 'no-store' })
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`)
  return { bytes: new Uint8Array(await answer.arrayBuffer()), other: '' }
}

/** Verifies against what is given or kept; what is trusted first is kept, and said. */
function judge(verify, bytes) {
  const given = form.elements.trust.value.trim()
  const kept = localStorage.getItem(key) ?? ''
  let trust = given || kept, how = given && given !== kept ? 'given' : 'held'
  if (!trust) {
    trust = verify(bytes, '').trust ?? ''
    how = 'kept'
  }
  const found = verify(bytes, trust)
  if (found.ok && trust) {
    localStorage.setItem(key, trust)
    form.elements.trust.value = trust
  }
  return { ...found, how: trust ? put(say[how], { trust }) : '' }
}

function show(found, other) {
  const failed = found.steps.find((s) => !s.ok)
  const verdict = found.ok ? say.good : put(say.bad, { step: failed ? say[failed.name] ?? failed.name : '?' })
  const list = make('ol', found.steps.map((s) => make('li', [
    make('span', s.ok ? '✓' : '✗', { 'aria-hidden': 'true' }), make('span', ` ${s.ok ? say.ok : say.no}: `, { class: 'hidden' }),
    make('b', ` ${say[s.name] ?? s.name}`), ` (${s.name}): ${s.text}`,
  ], s.ok ? {} : { class: 'bad' })), { 'data-steps': '' })
  result.replaceChildren(
    make('p', [make('span', found.ok ? '✓ ' : '✗ ', { 'aria-hidden': 'true' }), verdict], { class: found.ok ? 'verdict' : 'verdict bad', 'data-verdict': found.ok ? 'good' : failed?.name ?? 'bad' }),
    ...(other ? [make('p', put(say.other, { file: other }))] : []),
    ...(found.how ? [make('p', found.how, { class: 'of mono' })] : []),
    make('h3', say.steps), list,
  )
  if (!found.ok) return
  result.append(make('h3', say.says))
  for (const r of found.says) {
    result.append(make('p', `${r.name}, ${r.height}`), make('pre', JSON.stringify(r.fields, null, 1), { class: 'mono', tabindex: '0', role: 'region', 'aria-label': r.name }))
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  result.replaceChildren(make('p', say.working))
  try {
    const { bytes, other } = await bundle()
    const { verifier } = await import('/verify/verify.js')
    show(judge(await verifier(), bytes), other)
  } catch (e) {
    result.replaceChildren(make('p', [make('span', '✗ ', { 'aria-hidden': 'true' }), put(say.failed, { why: e.message })], { class: 'verdict bad', 'data-verdict': 'failed' }))
  }
})

form.elements.trust.value = localStorage.getItem(key) ?? ''
section.hidden = false
