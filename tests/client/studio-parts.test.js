import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codecName, recorderType } from '../../client/studio/media-type.js'
import { again, final, wait } from '../../client/studio/outcome.js'
import { QUALITIES, heightFor, quality, split } from '../../client/studio/quality.js'
import { sourceTrouble } from '../../client/studio/trouble.js'
import { elapsed, embedCode, nameTrouble, watchLink } from '../../client/studio/words.js'

const BOTH = { video: true, audio: true }
const FRESH = { tries: 0, began: false }

test('H.264 is recorded where the browser can, for the server copies it; else what costs least', () => {
  const chromium = type => /matroska|webm|avc1\.42E01F,opus/.test(type)
  const safari = type => type === 'video/mp4' || /avc1\.42E01F,mp4a/.test(type)
  const firefox = type => /^video\/webm(;codecs=vp8,opus)?$/.test(type)
  assert.equal(recorderType(chromium, BOTH), 'video/x-matroska;codecs=avc1,opus')
  assert.equal(recorderType(safari, BOTH), 'video/mp4;codecs=avc1.42E01F,mp4a.40.2')
  assert.equal(recorderType(firefox, BOTH), 'video/webm;codecs=vp8,opus')
  assert.equal(recorderType(() => false, BOTH), '', 'the browser chooses')
})

test('no type promises a track that is not there: the server would wait for it', () => {
  assert.equal(recorderType(() => true, { video: true, audio: false }), 'video/x-matroska;codecs=avc1')
  assert.equal(recorderType(() => true, { video: false, audio: true }), 'audio/webm;codecs=opus')
})

test('codecs have the names that people know', () => {
  assert.equal(codecName('video/x-matroska;codecs=avc1,opus'), 'H.264')
  assert.equal(codecName('video/webm;codecs="vp9,opus"'), 'VP9')
  assert.equal(codecName('video/mp4;codecs=av01.0.01M.08'), 'AV1')
  assert.equal(codecName('audio/webm'), 'WEBM')
})

test('what passes is tried again, what does not is told with what to do', () => {
  for (const status of [0, 408, 413, 500, 503]) {
    assert.equal(final({ status, message: '', ready: false }, FRESH), null, `${status}`)
    assert.match(again({ status, message: '' }, 3).title, /trying again \(3\)…$/)
  }
  for (const status of [400, 401, 403, 404, 409, 415]) {
    const words = final({ status, message: 'why', ready: false }, FRESH)
    assert.ok(words && words.title && words.text, `${status}`)
  }
})

test('a key that was good and is no longer is another matter than a wrong one', () => {
  const revoked = final({ status: 401, message: '', ready: true }, { tries: 0, began: true })
  const wrong = final({ status: 401, message: '', ready: false }, FRESH)
  assert.match(revoked?.title ?? '', /no longer/)
  assert.match(wrong?.title ?? '', /does not know/)
})

test('"taken" may be our own ghost for half a minute, but not for a newcomer, nor for who was taken over', () => {
  const taken = { status: 409, message: '', ready: false }
  assert.ok(final(taken, FRESH))
  assert.equal(final(taken, { tries: 2, began: true }), null)
  assert.ok(final(taken, { tries: 6, began: true }))
  assert.match(final({ ...taken, ready: true }, { tries: 0, began: true })?.title ?? '', /taken this stream over/)
})

test('tries come ever more seldom, at most some twenty seconds apart, and not all pages at once', () => {
  const waits = Array.from({ length: 12 }, (_, tries) => wait(tries, 0.5))
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b))
  assert.ok(waits[0] <= 500)
  assert.equal(waits.at(-1), 15_000)
  assert.notEqual(wait(3, 0), wait(3, 1))
})

test('the line of a server is a sentence for people', () => {
  assert.equal(again({ status: 413, message: 'this machine is behind' }, 1).text, 'This machine is behind.')
})

test('pictures shrink with what is sent, and never beyond what was chosen', () => {
  let before = 0
  for (let bits = 100_000; bits < 6_000_000; bits += 50_000) {
    const height = heightFor(bits, 1080)
    assert.ok(height >= before)
    assert.ok(heightFor(bits, 480) <= 480)
    before = height
  }
  for (const one of QUALITIES) {
    assert.equal(heightFor(one.bits, one.height), one.height)
    const { video, audio } = split(one.bits)
    assert.ok(video > audio && video + audio <= one.bits)
  }
  assert.equal(quality(null, 2).id, '480')
  assert.equal(quality(null, 8).id, '720')
  assert.equal(quality('1080', 2).id, '1080')
  assert.equal(quality('gone', 8).id, '720')
})

test('every refusal of a device says what to do', () => {
  const names = ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'OverconstrainedError', 'SecurityError', 'AbortError']
  for (const name of names) {
    for (const kind of /** @type {const} */ (['camera', 'screen'])) {
      const words = sourceTrouble(Object.assign(new Error('x'), { name }), kind)
      assert.ok(words.title && words.text, `${name} ${kind}`)
    }
  }
  assert.match(sourceTrouble(Object.assign(new Error(''), { name: 'FileError' }), 'file').title, /file/)
  assert.deepEqual(sourceTrouble('odd', 'camera'), { title: 'The camera cannot be used', text: '' })
})

test('time on air, names and what is shared', () => {
  assert.equal(elapsed(-5), '0:00')
  assert.equal(elapsed(7_900), '0:07')
  assert.equal(elapsed(751_000), '12:31')
  assert.equal(elapsed(3_723_000), '1:02:03')
  assert.equal(nameTrouble('garden party'), '')
  for (const name of ['', '.hidden', '..', 'a/b', 'a\\b', 'a\nb']) assert.notEqual(nameTrouble(name), '', name)
  assert.equal(watchLink('https://tv.example', 'a b'), 'https://tv.example/watch/a%20b')
  assert.equal(embedCode('https://tv.example', '"><x>'), '<script src="https://tv.example/embed.js" data-stream="&quot;>&lt;x>"></script>')
})
