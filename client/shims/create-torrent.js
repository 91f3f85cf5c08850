// Replaces create-torrent: the page only ever adds torrents that the origin's manifest describes.
const refuse = () => {
  throw new Error('live-torrent pages do not create torrents')
}

export const parseInput = refuse
export default refuse
