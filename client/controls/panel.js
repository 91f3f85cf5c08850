/**
 * The controls over the picture, put together: what they do is in steering.js, what they decide in the pure files beside
 * it.
 */

import { captions, qualities, rates, sounds } from './choices.js'
import { clock, spoken } from './clock.js'
import { helpDialog, shareDialog } from './dialogs.js'
import { button, icon, look, make, set, write } from './dom.js'
import { figures } from './figures.js'
import { shows } from './idle.js'
import { command } from './keys.js'
import { menu } from './menu.js'
import { remember } from './remember.js'
import { canFill, canFloat, fills, toggleFill, toggleFloat } from './screen.js'
import { seekBar } from './seek-bar.js'
import { sound } from './sound.js'
import { Steering } from './steering.js'
import { Taps } from './taps.js'

/** What changes by itself is looked at so often, ms. */
const LOOK = 250
/** A word about what a key did stays so long, ms. */
const WORD = 900
const TENS = 10

/**
 * @typedef {object} Page what the player page gives its controls
 * @property {HTMLVideoElement} video
 * @property {HTMLElement} stage what the controls lie in, around the video
 * @property {boolean} framed in another page: smaller, and nothing leads away
 * @property {string | null} home where all streams are; null: no such page
 * @property {() => import('../player.js').MountedPlayer | null} player
 * @property {() => string} title
 * @property {() => number} viewers 0: not known
 * @property {() => import('./share-code.js').Shared} shared
 * @property {() => (() => void) | null} fromStart plays a live stream's recording from its start; null: there is none
 * @property {() => (() => void) | null} toLive back from there
 *
 * @typedef {object} Controls
 * @property {(state: import('../player.js').State) => void} tell how the player does
 */

/** @param {Page} page @returns {Controls} */
export function panel (page) {
  const { video, stage } = page
  const steering = new Steering(video, page.player)
  /** @type {import('../player.js').State} */
  let state = 'loading'

  // ── what there is ──────────────────────────────────────────────────────────────────────────────

  const play = button('play', 'Play', () => steering.toggle(), 'play')
  // The same again in the middle, for fingers; one of them is enough for who does not see them.
  const big = make('button', {
    type: 'button', class: 'big', tabindex: '-1', 'aria-hidden': 'true', hidden: true, onclick: () => steering.toggle()
  }, icon('play'))
  const back = button('back', 'Back 10 seconds', () => steering.seekBy(-TENS), 'jump')
  const ahead = button('ahead', 'Ahead 10 seconds', () => steering.seekBy(TENS), 'jump')
  const { mute, volume, offer, show: showSound } = sound(steering)
  const seek = seekBar(steering)
  const time = make('span', { class: 'time' })
  const live = make('button', {
    type: 'button', class: 'edge', hidden: true, onclick: () => (page.toLive() ?? (() => steering.goLive()))()
  }, make('i', { class: 'dot' }), make('span', { text: 'Live' }))
  const first = make('button', {
    type: 'button', class: 'first', hidden: true, title: 'Watch from the start', onclick: () => page.fromStart()?.()
  }, icon('start'), make('span', { text: 'From the start' }))
  const cc = button('captions', 'Captions', () => { caption() }, 'cc')
  const settings = button('settings', 'Settings', () => {}, 'settings')
  const float = button('picture-in-picture', 'Picture in picture', () => toggleFloat(video), 'float')
  const fill = button('full-screen', 'Full screen', () => toggleFill(video))
  const title = make('h1', { class: 'title', dir: 'auto' })
  const facts = make('span', { class: 'facts' })
  const share = button('share', 'Share', () => sharing.open(), 'share')
  const stats = figures(steering)
  const word = make('div', { class: 'word', 'aria-hidden': 'true' })
  const said = make('div', { class: 'said', role: 'status' })
  const choices = menu(settings, entries)
  const moment = () => steering.place.live ? null : video.currentTime
  const sharing = shareDialog(page.shared, moment, text => write(said, text))
  const help = helpDialog()

  const top = make('div', { class: 'top' }, title, facts, share)
  if (page.home !== null && !page.framed) {
    top.prepend(make('a', { class: 'button home', href: page.home, 'aria-label': 'All streams', title: 'All streams' }, icon('up')))
  }
  const row = make('div', { class: 'row' }, play, back, ahead, mute, volume, time, live, first,
    make('span', { class: 'space' }), cc, settings, float, fill)
  const bottom = make('div', { class: 'bottom' }, seek.element, row)
  const whole = make('div', { class: `controls${page.framed ? ' framed' : ''}`, role: 'group', 'aria-label': 'Player controls' },
    top, stats.element, big, word, choices.element, bottom)
  stage.append(offer, whole, said, sharing.element, help.element)
  video.controls = false
  video.tabIndex = -1 // the notice gives the focus back to it
  fill.hidden = !canFill(video)
  float.hidden = !canFloat(video)

  // ── settings ───────────────────────────────────────────────────────────────────────────────────

  /** @returns {import('./menu.js').Entry[]} */
  function entries () {
    const { hls } = steering
    /** @type {import('./menu.js').Entry[]} */
    const list = []
    /** @param {string} label @param {() => import('./choices.js').Choice[]} of @param {(value: number) => void} act */
    const add = (label, of, act) => {
      const now = of().find(({ on }) => on)?.label ?? ''
      if (of().length > 0) list.push({ label, kind: 'list', now, choices: of, act })
    }
    if (hls) {
      add('Quality', () => qualities(hls.levels, {
        auto: steering.quality < 0, level: hls.currentLevel, wanted: steering.quality
      }), value => steering.setQuality(value))
    }
    if (!steering.place.live) add('Speed', () => rates(steering.rate), value => steering.setRate(value))
    add('Captions', () => captions(steering.captionTracks.map(({ label, language, mode }) =>
      ({ label, language, on: mode === 'showing' }))), value => steering.setCaptions(value))
    add('Sound', () => sounds(steering.sounds), value => steering.setSound(value))
    const player = page.player()
    const now = player?.stats()
    if (player && now && now.mode !== 'http') {
      list.push({
        label: 'Share with other viewers', kind: 'switch', on: now.sharing, fixed: now.terms.sharing === 'off',
        act: () => player.setSharing(!player.stats().sharing)
      })
    }
    list.push({
      label: 'Statistics', kind: 'switch', on: steering.remembered.figures,
      act: () => {
        steering.remembered.figures = !steering.remembered.figures
        remember(steering.remembered)
        draw()
      }
    })
    if (matchMedia('(any-pointer: fine)').matches) list.push({ label: 'Keyboard', kind: 'plain', act: () => help.open() })
    return list
  }

  // ── keys, taps, presses ────────────────────────────────────────────────────────────────────────

  const caption = () => {
    const on = steering.toggleCaptions()
    if (on !== null) tell(on ? 'Captions on' : 'Captions off')
    draw()
  }

  /** @param {import('./keys.js').Command} asked */
  const act = asked => {
    const { place } = steering
    switch (asked.does) {
      case 'toggle': {
        const plays = video.paused || video.ended
        steering.toggle()
        return tell(plays ? 'Play' : 'Pause')
      }
      case 'seek':
        if (!place.wide) return
        steering.seekBy(asked.by)
        return tell(`${asked.by > 0 ? '+' : '−'}${Math.abs(asked.by)} s`, where())
      case 'part':
        if (!place.wide) return
        steering.seek(place.start + asked.of * (place.end - place.start))
        return tell(place.live ? clock(-steering.place.behind) : clock(steering.place.at), where())
      case 'start':
        if (!place.wide) return
        steering.seek(place.start)
        return tell('Start')
      case 'end':
        if (place.live) steering.goLive()
        else steering.seek(place.end)
        return tell(place.live ? 'Live' : 'End')
      case 'volume':
        steering.setVolume((video.muted ? 0 : video.volume) + asked.by)
        return tell(`Volume ${Math.round(video.volume * 100)} %`)
      case 'mute':
        steering.setMuted(!video.muted)
        return tell(video.muted ? 'Muted' : 'Sound on')
      case 'faster':
        if (place.live) return
        steering.faster(asked.by)
        return tell(`${steering.rate}×`)
      case 'captions': return caption()
      case 'full-screen': return toggleFill(video)
      case 'picture-in-picture': return canFloat(video) ? toggleFloat(video) : undefined
      case 'help': return help.open()
    }
  }

  const where = () => steering.place.live
    ? steering.atEdge ? 'Live' : `${spoken(steering.place.behind)} behind live`
    : spoken(steering.place.at)

  /** @returns {import('./keys.js').Focus} */
  const focus = () => {
    const at = document.activeElement
    if (document.querySelector('dialog[open]')) return 'text' // a dialog has the keyboard to itself
    if (choices.element.contains(at)) return 'menu'
    if (at === seek.slider) return 'seek'
    if (at instanceof HTMLInputElement) return at.closest('.volume') ? 'volume' : 'text'
    return at instanceof HTMLButtonElement || at instanceof HTMLAnchorElement ? 'button' : at?.shadowRoot ? 'button' : 'page'
  }

  document.addEventListener('keydown', event => {
    const asked = event.defaultPrevented ? null : command(event, focus())
    wake()
    if (asked === null) return
    event.preventDefault()
    act(asked)
    draw()
  })

  const taps = new Taps()
  /** How the picture was last touched. */
  let pointer = matchMedia('(pointer: coarse)').matches ? 'touch' : 'mouse'
  const pointed = (/** @type {string} */ type) => {
    pointer = type
    stage.classList.toggle('touched', pointer !== 'mouse')
  }
  pointed(pointer)
  stage.addEventListener('pointerdown', event => pointed(event.pointerType))
  video.addEventListener('click', event => {
    if (choices.open) return choices.close()
    if (pointer === 'mouse') {
      steering.toggle()
      return draw()
    }
    const { left, width } = video.getBoundingClientRect()
    const tap = taps.tap((event.clientX - left) / width, performance.now())
    if (tap.does === 'seek' && steering.place.wide) act({ does: 'seek', by: tap.by })
    else if (shown) rest()
    else wake()
  })
  video.addEventListener('dblclick', () => { if (pointer === 'mouse') toggleFill(video) })

  // ── what is seen ───────────────────────────────────────────────────────────────────────────────

  let shown = true
  let over = false
  let movedAt = -Infinity
  let touchedAt = performance.now()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let hiding

  const settle = () => {
    clearTimeout(hiding)
    const now = performance.now()
    const decision = shows({
      held: video.paused || video.ended,
      open: choices.open || sharing.element.open || help.element.open,
      focused: whole.querySelector(':focus-visible') !== null,
      over,
      movedAt,
      touchedAt
    }, now)
    shown = decision.shown
    stage.classList.toggle('resting', !shown)
    if (decision.lookAt < Infinity) hiding = setTimeout(settle, decision.lookAt - now + 10)
  }
  const wake = () => {
    touchedAt = performance.now()
    settle()
  }
  const rest = () => {
    touchedAt = movedAt = -Infinity
    settle()
  }
  stage.addEventListener('pointermove', event => {
    if (event.pointerType !== 'mouse') return
    pointed('mouse')
    movedAt = performance.now()
    const { target } = event
    over = target instanceof Element && target.closest('.row, .seek, .top, .menu') !== null
    settle()
  })
  document.documentElement.addEventListener('pointerleave', () => {
    over = false
    movedAt = -Infinity
    settle()
  })
  whole.addEventListener('pointerdown', () => { touchedAt = performance.now() })
  for (const type of ['focusin', 'focusout']) whole.addEventListener(type, () => setTimeout(settle))

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let telling
  /** What a key did, to see and to hear. @param {string} text @param {string} [aloud] */
  const tell = (text, aloud = text) => {
    write(word, text)
    word.classList.remove('shown')
    void word.offsetWidth // begins the animation anew
    word.classList.add('shown')
    clearTimeout(telling)
    telling = setTimeout(() => {
      word.classList.remove('shown')
      write(said, aloud) // once keys that are held come to an end
    }, WORD)
  }

  const draw = () => {
    if (document.hidden) return
    steering.look()
    const { place, atEdge } = steering
    const still = video.paused || video.ended
    look(play, video.ended ? 'replay' : still ? 'play' : 'pause', video.ended ? 'Play again' : still ? 'Play' : 'Pause')
    look(big, video.ended ? 'replay' : still ? 'play' : 'pause', '')
    big.hidden = state === 'loading' || state === 'retrying'
    big.classList.toggle('held', still)
    showSound()
    seek.show()
    back.hidden = ahead.hidden = !place.wide
    write(time, place.live || place.end === 0 ? '' : `${clock(place.at)} / ${clock(place.end)}`)
    const away = page.toLive() !== null
    live.hidden = !place.live && !away
    const late = away || !atEdge
    live.classList.toggle('late', late)
    const [, text] = live.children
    const shownAs = away ? 'Go live' : late && place.behind >= 1 ? clock(-place.behind) : 'Live'
    if (text) write(text, shownAs)
    set(live, 'aria-label', late && !away ? `${shownAs}: go live` : shownAs)
    set(live, 'title', late ? 'Go live' : null)
    first.hidden = away || page.fromStart() === null
    const tracks = steering.captionTracks
    cc.hidden = tracks.length === 0
    set(cc, 'aria-pressed', String(tracks.some(({ mode }) => mode === 'showing')))
    look(fill, fills() ? 'small-screen' : 'full-screen', fills() ? 'Leave full screen' : 'Full screen')
    write(title, page.title())
    write(facts, page.viewers() > 1 ? `${page.viewers()} watching` : '')
    stats.show(steering.remembered.figures, performance.now())
    settle()
  }

  for (const type of ['play', 'pause', 'ended', 'seeking', 'seeked', 'volumechange', 'durationchange', 'loadeddata']) {
    video.addEventListener(type, draw)
  }
  document.addEventListener('fullscreenchange', draw)
  video.textTracks.addEventListener('addtrack', draw)
  setInterval(draw, LOOK)
  draw()

  return {
    tell (next) {
      state = next
      draw()
    }
  }
}
