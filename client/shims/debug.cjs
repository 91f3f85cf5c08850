// Replaces debug: no page reads these traces, and formatting them costs time on every block.
const silent = () => {}
silent.enabled = false
silent.extend = () => silent
silent.destroy = () => true

const debug = () => silent
debug.default = debug
debug.enable = silent
debug.disable = () => ''
debug.enabled = () => false

// CommonJS on purpose: both `import debug from` and `require('debug')(name)` reach it.
module.exports = debug
