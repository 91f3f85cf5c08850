// Replaces webtorrent's version.cjs, which would carry the whole package.json along.
export { version as default } from 'webtorrent/package.json'
