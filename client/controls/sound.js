/** The volume: a button, a slider beside it, and the offer to turn the sound on, for a video begins without. */

import { button, icon, look, make, set } from './dom.js'

/** @param {import('./steering.js').Steering} steering */
export function sound (steering) {
  const { video } = steering
  const mute = button('muted', 'Unmute', () => steering.setMuted(!video.muted))
  const level = make('div', { class: 'level' })
  const slider = make('input', {
    type: 'range', class: 'slider', 'aria-label': 'Volume', min: '0', max: '1', step: '0.05', value: '1',
    oninput: () => steering.setVolume(Number(slider.value))
  })
  const volume = make('div', { class: 'volume' }, make('div', { class: 'rail' }, level), slider)
  const offer = make('button', {
    type: 'button', class: 'unmute', hidden: true, onclick: () => steering.setMuted(false)
  }, icon('muted'), make('span', { text: matchMedia('(pointer: coarse)').matches ? 'Tap to unmute' : 'Unmute' }))

  const show = () => {
    const { muted } = video
    const loud = muted ? 0 : video.volume
    look(mute, loud === 0 ? 'muted' : loud < 0.5 ? 'quiet' : 'loud', muted ? 'Unmute' : 'Mute')
    level.style.transform = `scaleX(${loud})`
    slider.value = String(loud)
    set(slider, 'aria-valuetext', muted ? 'muted' : `${Math.round(loud * 100)} percent`)
    offer.hidden = !muted || steering.remembered.silent || video.readyState === 0
  }
  return { mute, volume, offer, show }
}
