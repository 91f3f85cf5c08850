/**
 * What the operator says in the manifest of what viewers may exchange: attributes of the swarm tag, each of them
 * optional. Pure. A number that is none, or beyond all sense, counts as not there; a word that this client does not know may
 * be stricter than any it knows (policy.js takes it for `off`).
 */

/**
 * @param {Map<string, string>} attributes
 * @returns {import('./types.js').Terms}
 */
export function readTerms (attributes) {
  /** @param {string} name @param {number} most */
  const number = (name, most) => {
    const text = attributes.get(name) ?? ''
    return /^\d{1,13}(\.\d{1,6})?$/.test(text) && Number(text) <= most ? Number(text) : undefined
  }
  const yes = (/** @type {string} */ name) => attributes.get(name) === 'YES' || undefined
  return {
    sharing: /** @type {import('./types.js').Sharing | undefined} */ (attributes.get('SHARING')),
    maxUpload: number('MAX-UPLOAD', 2 ** 40),
    maxRatio: number('MAX-RATIO', 1000),
    minViewers: number('MIN-VIEWERS', 1e6),
    uploadOnCellular: yes('UPLOAD-ON-CELLULAR'),
    uploadWhenHidden: yes('UPLOAD-WHEN-HIDDEN'),
    iceTransportPolicy: (attributes.get('ICE-TRANSPORT-POLICY') ?? 'all') === 'all' ? undefined : 'relay'
  }
}
