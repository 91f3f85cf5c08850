/**
 * The question whether to share, over the top of the picture: a line and two buttons, the one as prominent as the
 * other. It takes no room on the page and no focus, goes when it is answered or Escape is pressed in it (then the answer
 * is open, and nothing is shared), and is styled through CSSOM alone, so that any Content-Security-Policy lets it be.
 * Pages style it by `.live-torrent-notice::part(box)`, likewise `text`, `yes` and `no`. A chunk of its own: only who
 * asks first loads it.
 */

/**
 * @typedef {object} Words plain text
 * @property {string} [text]
 * @property {string} [yes]
 * @property {string} [no]
 */

const TEXT = 'Let this player swap parts of the video with other viewers? They can then see your IP address.'

const STYLE = `
  :host { position: absolute; top: 0; left: 0; z-index: 10; pointer-events: none; container-type: inline-size }
  .box {
    display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; box-sizing: border-box;
    max-width: 720px; margin: 8px; padding: 10px 12px; border: 1px solid #fff3; border-radius: 10px;
    background: #14171ced; color: #fff; font: 14px/1.4 system-ui, sans-serif; text-align: start;
    pointer-events: auto; animation: in .25s
  }
  p { flex: 1 1 260px; margin: 0; max-height: 7em; overflow: auto }
  .answers { display: flex; flex-wrap: wrap; gap: 8px; margin-inline-start: auto }
  button {
    min-height: 36px; padding: 0 14px; border: 1px solid #fff9; border-radius: 8px; background: #fff2; color: inherit;
    font: inherit; font-weight: 600; cursor: pointer
  }
  button:hover { background: #fff; color: #14171c }
  button:focus-visible { outline: 3px solid #7db7ff; outline-offset: 2px }
  @media (pointer: coarse) { button { min-height: 44px } }
  @container (max-width: 420px) {
    .box { margin: 6px; padding: 8px 10px; font-size: 13px }
    p { flex-basis: 100% }
  }
  @media (prefers-reduced-motion: reduce) { .box { animation: none } }
  @keyframes in { from { opacity: 0 } }
`

/**
 * @param {HTMLElement} video on the page, or whatever has the picture
 * @param {Words} words
 * @param {(yes: boolean) => void} answer called once at most
 * @param {AbortSignal} signal takes it away
 */
export function showNotice (video, { text = TEXT, yes = 'Allow', no = 'No thanks' }, answer, signal) {
  if (signal.aborted) return
  const stop = new AbortController()
  const host = document.createElement('div')
  host.className = 'live-torrent-notice'
  const root = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  root.adoptedStyleSheets = [sheet]

  const box = element('div', 'box')
  box.setAttribute('role', 'group')
  box.setAttribute('aria-labelledby', 'text')
  const line = element('p', 'text')
  line.id = 'text'
  line.setAttribute('role', 'status')
  const answers = element('div', 'answers')
  box.append(line, answers)
  root.append(box)

  const end = () => {
    const focused = root.activeElement !== null
    stop.abort()
    observer.disconnect()
    host.remove()
    if (focused) video.focus() // where the Tab key was
  }
  /** @param {boolean} says @param {string} label */
  const button = (says, label) => {
    const made = /** @type {HTMLButtonElement} */ (element('button', says ? 'yes' : 'no'))
    made.type = 'button'
    made.textContent = label
    made.addEventListener('click', () => {
      end()
      answer(says)
    })
    answers.append(made)
  }
  button(true, yes)
  button(false, no)
  box.addEventListener('keydown', event => { if (event.key === 'Escape') end() })

  // Behind the video, so that Tab comes here next and it scrolls along; moved over it, so that nothing else moves.
  const place = () => {
    host.style.position = getComputedStyle(video).position === 'fixed' ? 'fixed' : ''
    host.style.transform = 'none'
    const at = host.getBoundingClientRect()
    const { left, top, width } = video.getBoundingClientRect()
    host.style.width = `${width}px`
    host.style.transform = `translate(${left - at.left}px, ${top - at.top}px)`
  }
  const observer = new ResizeObserver(place)
  video.after(host)
  observer.observe(video)
  observer.observe(document.documentElement)
  addEventListener('resize', place, { signal: stop.signal })
  signal.addEventListener('abort', end, { signal: stop.signal })
  place()
  // Screen readers tell what comes into a status, not one that comes with its text.
  requestAnimationFrame(() => { line.textContent = text })
}

/** @param {string} name @param {string} part */
function element (name, part) {
  const made = document.createElement(name)
  made.className = part
  made.part.add(part)
  made.dir = 'auto'
  return made
}
