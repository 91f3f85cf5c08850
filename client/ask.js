/** Who asks the viewer: the notice, a chunk of its own, which only pages load whose viewers are asked. */

/** The page has no picture yet: it is looked for so often, ms. */
const LOOK = 500

/**
 * @param {import('./notice.js').Words | false} words false: nobody does; the page has its own way
 * @param {() => HTMLElement | null} over what the notice is put over, when it is to be
 * @returns {import('./types.js').EngineOptions['onAsk']}
 */
export function ask (words, over) {
  if (words === false) return undefined
  return (answer, signal) => {
    import('./notice.js').then(({ showNotice }) => {
      const show = () => {
        const picture = over()
        if (picture) showNotice(picture, words, answer, signal)
        else if (!signal.aborted) setTimeout(show, LOOK)
      }
      show()
    }, () => {}) // not answered
  }
}
