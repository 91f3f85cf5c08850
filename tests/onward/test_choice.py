from __future__ import annotations

import pytest

from seeder.model import PublishedPlaylist, StreamView
from seeder.onward.choice import UnfitError, choose

LADDER = (
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="sound/index.m3u8"\n'
    "#EXT-X-STREAM-INF:BANDWIDTH=300000\nv0/index.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=900000\nhttps://elsewhere.example/v2/index.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=800000\nv1/index.m3u8\n"
)


def view(master: str, *paths: str) -> StreamView:
    playlists = {path: PublishedPlaylist(path, "", False, {}, True, 1) for path in paths}
    playlists["master.m3u8"] = PublishedPlaylist("master.m3u8", master, "STREAM-INF" in master, {}, False, 1)
    return StreamView("s", True, playlists, {}, 2.0, 1)


def test_the_best_variant_that_is_here_is_sent_on_unless_another_is_named() -> None:
    ladder = view(LADDER, "v0/index.m3u8", "v1/index.m3u8", "sound/index.m3u8")
    assert choose(ladder) == "v1/index.m3u8"
    assert choose(ladder, "v0") == choose(ladder, "v0/index.m3u8") == "v0/index.m3u8"
    assert choose(ladder, "sound") == "sound/index.m3u8"
    assert choose(view(LADDER, "v0/index.m3u8")) == "v0/index.m3u8"


def test_a_lone_media_playlist_is_the_variant() -> None:
    assert choose(view("#EXTM3U\n#EXT-X-TARGETDURATION:2\n")) == "master.m3u8"


@pytest.mark.parametrize(
    ("stream", "wanted", "status"),
    [(view(LADDER, "v0/index.m3u8"), "v7", 404), (view(LADDER), "", 406), (view("nonsense"), "", 406)],
)
def test_what_cannot_be_sent_on_is_refused(stream: StreamView, wanted: str, status: int) -> None:
    with pytest.raises(UnfitError) as refused:
        choose(stream, wanted)
    assert refused.value.status == status
