/**
 * Whether a peer is near: on the same machine, in the same house or town. What is done differently there: longer
 * messages (mesh/flow.js), who sent least is asked (fair.js), pieces are kept back (swarm.js). Farther away
 * one peer alone would take a round trip or two longer than several. Pure.
 */

/** Farther away, one peer alone would take a round trip or two longer than several, ms. */
const NEAR = 15

/** @param {number} rtt ms; 0: not known, which is neither near nor far */
export const isNear = rtt => rtt > 0 && rtt <= NEAR
/** @param {number} rtt ms; 0: not known */
export const isFar = rtt => rtt > NEAR
