/** What a key means to the player. Pure. */

/**
 * @typedef {'toggle' | 'mute' | 'full-screen' | 'captions' | 'picture-in-picture' | 'help' | 'start' | 'end'} Plain
 * @typedef {{ does: Plain }
 *   | { does: 'seek' | 'volume' | 'faster', by: number }
 *   | { does: 'part', of: number }} Command seek: seconds; volume: of 1; faster: steps; part: 0 to 1 of the bar
 */

/**
 * `text`: something is typed there; `menu`: has keys of its own; `button`, `seek`, `volume`: one of the controls;
 * `page`: nothing in particular.
 * @typedef {'text' | 'menu' | 'button' | 'seek' | 'volume' | 'page'} Focus
 */

/** Seconds; those of the letters are what the buttons do. */
const ARROW = 5
const LETTER = 10
const PAGE = 60
const LOUDER = 0.05

/**
 * @param {{ key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, shiftKey: boolean }} event
 * @param {Focus} focus
 * @returns {Command | null} null: not ours, the browser and the page around have it
 */
export function command ({ key, ctrlKey, altKey, metaKey, shiftKey }, focus) {
  if (ctrlKey || altKey || metaKey || focus === 'text' || focus === 'menu') return null
  if (focus === 'volume' && VOLUME[key] !== undefined) return { does: 'volume', by: VOLUME[key] }
  if (focus === 'seek' && SLIDER[key] !== undefined) return { does: 'seek', by: SLIDER[key] }
  // A focused button is pressed with these.
  if (focus === 'button' && (key === ' ' || key === 'Enter')) return null
  if (shiftKey && !SHIFTED.has(key)) return null
  if (/^[0-9]$/.test(key)) return { does: 'part', of: Number(key) / 10 }
  return COMMANDS[key.length === 1 ? key.toLowerCase() : key] ?? null
}

/** What cannot be typed without Shift on some keyboards. */
const SHIFTED = new Set(['?', '<', '>', ...'0123456789'])

/** @type {Record<string, number>} */
const VOLUME = { ArrowUp: LOUDER, ArrowRight: LOUDER, ArrowDown: -LOUDER, ArrowLeft: -LOUDER }
/** @type {Record<string, number>} */
const SLIDER = {
  ArrowUp: ARROW, ArrowRight: ARROW, PageUp: PAGE, ArrowDown: -ARROW, ArrowLeft: -ARROW, PageDown: -PAGE
}

/** @type {Record<string, Command>} */
const COMMANDS = {
  ' ': { does: 'toggle' },
  k: { does: 'toggle' },
  j: { does: 'seek', by: -LETTER },
  l: { does: 'seek', by: LETTER },
  ArrowLeft: { does: 'seek', by: -ARROW },
  ArrowRight: { does: 'seek', by: ARROW },
  ArrowUp: { does: 'volume', by: LOUDER },
  ArrowDown: { does: 'volume', by: -LOUDER },
  Home: { does: 'start' },
  End: { does: 'end' },
  m: { does: 'mute' },
  f: { does: 'full-screen' },
  c: { does: 'captions' },
  i: { does: 'picture-in-picture' },
  '<': { does: 'faster', by: -1 },
  '>': { does: 'faster', by: 1 },
  '?': { does: 'help' }
}

/** For the help, in its order. @type {readonly [keys: string[], does: string][]} */
export const HELP = [
  [['Space', 'K'], 'Play or pause'],
  [['J', 'L'], '10 seconds back or ahead'],
  [['←', '→'], '5 seconds back or ahead'],
  [['0 – 9'], 'Go to that tenth'],
  [['Home', 'End'], 'Go to the start; to the end, or live'],
  [['↑', '↓'], 'Louder or quieter'],
  [['M'], 'Sound on or off'],
  [['C'], 'Captions on or off'],
  [['F'], 'Full screen'],
  [['I'], 'Picture in picture'],
  [['<', '>'], 'Slower or faster (recordings)'],
  [['?'], 'This list']
]
