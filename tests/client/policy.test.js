import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAttributes } from '../../client/playlist.js'
import { Policy, agreed, allowed } from '../../client/policy.js'
import { readTerms } from '../../client/terms.js'

/** A viewer who has said nothing, on a good line, looking. */
const FACTS = { word: null, sent: 0, received: 0 }
const now = (terms, facts = {}) => allowed(agreed(terms), { ...FACTS, ...facts })

test('of operator and page the stricter counts, term by term, whoever it is', () => {
  const one = { sharing: 'ask', maxUpload: 100, maxRatio: 2, minViewers: 2, iceTransportPolicy: 'all' }
  const two = { sharing: true, maxUpload: 900, maxRatio: 0.5, minViewers: 5, iceTransportPolicy: 'relay' }
  const both = { sharing: 'ask', maxUpload: 100, maxRatio: 0.5, minViewers: 5, iceTransportPolicy: 'relay' }
  for (const said of [agreed(one, two), agreed(two, one)]) {
    assert.deepEqual({ ...said }, { ...both, uploadOnCellular: false, uploadWhenHidden: false })
  }
  assert.equal(agreed({ sharing: 'ask' }, { sharing: 'off' }).sharing, 'off')
  assert.equal(agreed({ uploadWhenHidden: true }, {}).uploadWhenHidden, true)
  assert.equal(agreed({ uploadWhenHidden: true }, { uploadWhenHidden: false }).uploadWhenHidden, false)
})

test('what nobody mentions has its default, and what is no number was not said', () => {
  const defaults = agreed({}, {})
  assert.deepEqual({ ...defaults }, {
    sharing: 'on', maxUpload: 5_000_000, maxRatio: Infinity, minViewers: 1,
    uploadOnCellular: false, uploadWhenHidden: false, iceTransportPolicy: 'all'
  })
  for (const odd of [NaN, -1, Infinity, '7', null, undefined]) {
    assert.deepEqual(agreed({ maxUpload: odd, maxRatio: odd, minViewers: odd }), defaults, String(odd))
  }
})

test('a word for sharing that is not known is taken for the strictest', () => {
  for (const sharing of ['aks', '', 'ON', 'group', false]) assert.equal(agreed({ sharing }, {}).sharing, 'off', String(sharing))
})

test('who is asked has no peers until the answer, and is not asked again after it', () => {
  const ask = { sharing: 'ask' }
  assert.deepEqual(now(ask), { connect: false, asks: true, shares: false, upload: false })
  assert.deepEqual(now(ask, { word: true }), { connect: true, asks: false, shares: true, upload: true })
  assert.deepEqual(now(ask, { word: false }), { connect: false, asks: false, shares: false, upload: false })
})

test('the viewer’s no always counts; the yes opens nothing that operator or page closed', () => {
  for (const sharing of ['on', 'ask', 'off']) assert.equal(now({ sharing }, { word: false, here: true }).connect, false)
  assert.equal(now({ sharing: 'off' }, { word: true, here: true }).connect, false)
  assert.equal(now({ maxUpload: 0 }, { word: true, here: true }).upload, false)
})

test('a paid line, a hidden tab and Save-Data stop uploading, not downloading', () => {
  for (const facts of [{ type: 'cellular' }, { effectiveType: '2g' }, { effectiveType: 'slow-2g' }, { hidden: true }, { saveData: true }]) {
    const { connect, upload } = now({}, facts)
    assert.deepEqual([connect, upload], [true, false], JSON.stringify(facts))
  }
  assert.equal(now({}, { type: 'wifi', effectiveType: '3g', hidden: false }).upload, true)
})

test('operator or page may allow it on paid lines and in hidden tabs, each by itself', () => {
  const cellular = { uploadOnCellular: true }
  assert.equal(now(cellular, { type: 'cellular' }).upload, true)
  assert.equal(now(cellular, { type: 'cellular', hidden: true }).upload, false)
  assert.equal(now({ uploadWhenHidden: true }, { hidden: true }).upload, true)
  assert.equal(now({ uploadWhenHidden: true }, { hidden: true, effectiveType: '2g' }).upload, false)
})

test('Save-Data is answered by a yes that came after it, not by one that is remembered', () => {
  const saving = { saveData: true, word: true }
  assert.deepEqual(now({}, saving).shares, false)
  assert.deepEqual(now({}, { ...saving, here: true }).shares, true)
  assert.equal(now({ uploadOnCellular: true }, { saveData: true }).upload, false)
})

test('no more is uploaded than the ratio allows, and again only once it is worth a message', () => {
  const facts = { ...FACTS, received: 1_000_000, sent: 499_999 }
  let changes = 0
  const policy = new Policy({ maxRatio: 0.5 }, () => facts, () => { changes++ })
  assert.equal(policy.now.upload, false, 'nothing to speak of is left')
  facts.received = 1_500_000
  policy.look()
  assert.equal(policy.now.upload, true)
  facts.sent = 750_000
  policy.look()
  assert.equal(policy.now.upload, false)
  facts.received += 200_000
  policy.look()
  assert.deepEqual([policy.now.upload, changes], [false, 2])
  facts.received += 100_000
  policy.look()
  assert.deepEqual([policy.now.upload, changes], [true, 3])
  assert.equal(now({ maxRatio: 0 }, { received: 1e12 }).upload, false)
})

test('what the operator says later counts from then on, and a change is told once', () => {
  const told = []
  const policy = new Policy({}, () => FACTS, before => told.push([before.connect, policy.now.connect]))
  assert.equal(policy.heed({}), false)
  assert.equal(policy.heed({ sharing: 'ask', maxUpload: 5 }), true)
  assert.equal(policy.heed({ sharing: 'ask', maxUpload: 5 }), false)
  assert.deepEqual(told, [[true, false]])
  assert.equal(policy.terms.maxUpload, 5)
})

test('the operator’s terms are read from the swarm tag, and nonsense is not taken for a number', () => {
  const read = text => agreed(readTerms(parseAttributes(text)))
  assert.deepEqual({ ...read('SHARING=ask,MAX-UPLOAD=250000,MAX-RATIO=1.5,MIN-VIEWERS=3,UPLOAD-ON-CELLULAR=YES,' +
    'UPLOAD-WHEN-HIDDEN=NO,ICE-TRANSPORT-POLICY=relay,LATER="x"') }, {
    sharing: 'ask', maxUpload: 250_000, maxRatio: 1.5, minViewers: 3,
    uploadOnCellular: true, uploadWhenHidden: false, iceTransportPolicy: 'relay'
  })
  for (const value of ['', '-1', '1e9', '0x10', 'NaN', '9'.repeat(14), '1.2.3', ' 1']) {
    assert.deepEqual(read(`MAX-UPLOAD=${value},MAX-RATIO=${value},MIN-VIEWERS=${value}`), agreed({}), value)
  }
  assert.equal(read('SHARING=group').sharing, 'off', 'this client knows no such word')
})
