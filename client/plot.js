/** A minute of bytes by source as stacked bars on a canvas; colours are the page's custom properties. */

import { rate } from './format.js'

/** @typedef {import('./series.js').Totals} Totals */

/**
 * The axis ends at the first "round" rate above everything shown, so that it changes seldom.
 * @param {number} max bytes a second
 * @returns {number}
 */
export function ceiling (max) {
  const bits = Math.max(max * 8, 100_000)
  const power = 10 ** Math.floor(Math.log10(bits))
  const step = [1, 2, 5, 10].find(step => step * power >= bits) ?? 10
  return step * power / 8
}

/** @param {Totals} second */
export const total = ({ peers, origin, seed }) => peers + origin + seed

/**
 * @param {HTMLCanvasElement} canvas its size is CSS's
 * @param {HTMLElement} label gets the axis's end
 * @returns {(rates: readonly Totals[]) => void} bytes a second, one for each second
 */
export function makePlot (canvas, label) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  return seconds => {
    const { clientWidth: width, clientHeight: height } = canvas
    const scale = devicePixelRatio
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
    }
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)

    const style = getComputedStyle(canvas)
    const top = ceiling(Math.max(...seconds.map(total)))
    context.fillStyle = style.getPropertyValue('--line')
    for (const part of [0, 0.5]) context.fillRect(0, Math.round(height * part), width, 1)
    context.fillRect(0, height - 1, width, 1)

    const slot = width / seconds.length
    const bar = Math.max(1, slot - Math.min(2, slot / 3))
    seconds.forEach((second, i) => {
      let y = height - 1
      for (const source of /** @type {const} */ (['peers', 'seed', 'origin'])) {
        if (second[source] === 0) continue
        // Something that arrived is never invisible.
        const size = Math.max(1, second[source] / top * (height - 1))
        y -= size
        context.fillStyle = style.getPropertyValue(`--${source}`)
        context.fillRect(i * slot, y, bar, size)
      }
    })
    label.textContent = rate(top)
  }
}
