// Replaces magnet-uri: torrents are added with the manifest's info dictionary, never by their magnet.
export default function magnet() {
  return {}
}

export const encode = () => ''
