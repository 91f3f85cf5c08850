/** How long a viewer that has just come waits for the others, as far as its buffer allows. Pure. */

/**
 * Until when. A lone viewer waits for the tracker's first reply at most.
 * @param {object} facts
 * @param {number} facts.bornAt when it came, ms
 * @param {number | null} facts.others how many there are, as the tracker counts; null: it has not answered yet
 * @param {boolean} facts.met somebody is here and has said what there is
 * @param {{ counting: number, meeting: number }} settings
 * @param {number} now
 * @returns {number} ms; `now`: not at all
 */
export function meetBy ({ bornAt, others, met }, { counting, meeting }, now) {
  if (met || others === 0) return now
  return bornAt + (others === null ? counting : meeting)
}
