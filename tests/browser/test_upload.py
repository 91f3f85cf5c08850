"""What a viewer gives the others in real Chromium: no more than its page allows."""

from __future__ import annotations

from itertools import accumulate

from tests.browser.asking import play_on, watch, when
from tests.browser.sites import site
from tests.conftest import NewPage, Running

CAP = 40_000
"""Bytes a second: half of what the stream needs."""
BURST = 64 << 10
"""What may go out at once all the same (client/mesh/cap.js), bytes."""
MESSAGE = 32 << 10
"""The longest there is (client/mesh/wires.js): it is allowed a moment before it is measured."""

UPLOADS = """
window.uploads = []
const send = RTCDataChannel.prototype.send
RTCDataChannel.prototype.send = function (data) {
  const { byteLength } = data
  // Requests and the like always pass.
  if (this.label === 'wire' && byteLength > 1024) window.uploads.push([performance.now(), byteLength])
  return send.call(this, data)
}
"""

PAGE = """<!doctype html><video></video><script type="module">
  import { mount } from '@URL@/client/player.js'
  const engineOptions = { maxUpload: @CAP@ }
  await mount(document.querySelector('video'), { url: '@URL@/live/show/master.m3u8', engineOptions })
</script>"""


def most_above(uploads: list[tuple[float, int]], rate: float) -> float:
    """By how many bytes any stretch of them exceeds ``rate`` (bytes/s); each is (ms, bytes)."""
    sums = [0, *accumulate(size for _, size in uploads)]
    lowest = most = 0.0
    for n, (at, _) in enumerate(uploads):
        before = sums[n] - rate * at / 1000
        lowest = before if n == 0 else min(lowest, before)
        most = max(most, before + uploads[n][1] - lowest)
    return most


async def test_a_viewer_never_uploads_more_than_its_cap_and_who_asks_it_for_more_notices_nothing(
    live: Running, new_page: NewPage
) -> None:
    async with site(PAGE.replace("@URL@", live.url).replace("@CAP@", str(CAP))) as url:
        capped = await new_page()
        await capped.add_init_script(UPLOADS)
        await capped.goto(url)
        await when(capped, "played > 3", "being clearly older: it is the one that pulls")
        other = await watch(await new_page(), live)
        await when(other, "s.peers === 1", "meeting it")
        await play_on([other], 10)
        given = f"window.uploads.reduce((sum, [, size]) => sum + size, 0) > {2 * BURST}"
        await when(capped, given, "it is asked, and gives")
        uploads = await capped.evaluate("window.uploads")
    assert most_above(uploads, CAP) <= BURST + MESSAGE
