/**
 * The stream in the page's one video, and hls.js's own advice on fatal errors: the least a player does.
 *
 * @param {typeof import('hls.js').default} HlsClass
 * @param {object} config
 */
export function play (HlsClass, config) {
  const video = document.querySelector('video')
  const hls = new HlsClass(config)
  hls.on(HlsClass.Events.MANIFEST_PARSED, () => { video.play().catch(() => {}) })
  hls.on(HlsClass.Events.ERROR, (_, { fatal, type }) => {
    if (!fatal) return
    if (type === HlsClass.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError()
    else setTimeout(() => hls.loadSource('/live/show/master.m3u8'), 1000)
  })
  hls.attachMedia(video)
  hls.loadSource('/live/show/master.m3u8')
}
