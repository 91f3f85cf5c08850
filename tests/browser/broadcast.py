"""A live stream from ready-made segments, on the real server and tracker: nothing is encoded meanwhile.

What is played is the wall clock's choice (a new segment every ``SECONDS``), as with any live stream; what
the tests assert is not.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from quart import Quart

from seeder.feed.library import Library
from seeder.hls.names import content_type
from seeder.model import Kind, PublishedPlaylist, Resource, StreamView, Torrent
from seeder.torrent.metainfo import make_torrent
from seeder.tracker.socket import Tracker
from seeder.web.app import create_app
from seeder.web.bundle_files import Bundle, load_bundle
from seeder.web.server import ServerConfig, serve

SECONDS = 1
"""Short segments make short tests."""
WINDOW = 8
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=700000\nvideo/index.m3u8\n"


@dataclass(frozen=True, slots=True)
class Recording:
    """fMP4 segments of SECONDS each, and their init section."""

    init: bytes
    segments: tuple[bytes, ...]

    @classmethod
    def read(cls, folder: Path) -> Recording:
        count = len(list(folder.glob("seg*.m4s")))
        segments = tuple((folder / f"seg{i}.m4s").read_bytes() for i in range(count))
        return cls((folder / "init.mp4").read_bytes(), segments)


def view(name: str, recording: Recording, torrents: tuple[Torrent, ...], last: int) -> StreamView:
    """The stream when segment ``last`` is its newest."""
    first = max(0, last - WINDOW + 1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    resources = {"video/init.mp4": _resource("video/init.mp4", Kind.INIT, recording.init, None)}
    listed: dict[int, Torrent] = {}
    for msn in range(first, last + 1):
        path = f"video/{msn}.m4s"
        listed[len(lines)] = torrents[msn]
        lines += [f"#EXTINF:{SECONDS:.3f},", f"{msn}.m4s"]
        resources[path] = _resource(path, Kind.SEGMENT, recording.segments[msn], torrents[msn])
    text = "\n".join(lines) + "\n"
    playlists = {
        "master.m3u8": PublishedPlaylist("master.m3u8", MASTER, True, {}, False, 1),
        "video/index.m3u8": PublishedPlaylist("video/index.m3u8", text, False, listed, True, last + 1),
    }
    return StreamView(name, True, playlists, resources, SECONDS, last - first + 1)


def _resource(path: str, kind: Kind, data: bytes, torrent: Torrent | None) -> Resource:
    etag = f'"{hashlib.sha1(data).hexdigest()}"'
    return Resource(path, kind, content_type(path), len(data), etag, data=data, torrent=torrent)


@dataclass(slots=True)
class Broadcast:
    """A running server with live streams."""

    url: str
    app: Quart
    """Its routes may be changed while it runs: a newer sw.js, say."""


@asynccontextmanager
async def broadcast(
    recording: Recording, *names: str, bundle: Callable[[], Bundle] = load_bundle, port: int = 0
) -> AsyncIterator[Broadcast]:
    """Serve the streams ``names`` live until the recording ends; they begin with a full window."""
    library = Library(Path("/nonexistent"))
    torrents = {
        name: tuple(
            # Streams of their own: the same bytes under another name are another torrent.
            make_torrent(f"{name}-{msn}.m4s", data)
            for msn, data in enumerate(recording.segments)
        )
        for name in names
    }

    async def play() -> None:
        for last in range(WINDOW - 1, len(recording.segments)):
            for name in names:
                library.publish(view(name, recording, torrents[name], last))
            await asyncio.sleep(SECONDS)

    async with Tracker(library.knows) as tracker:
        app = create_app(library, announce=tracker, viewers=tracker.viewers, bundle=bundle)
        async with serve(app, ServerConfig(host="127.0.0.1", port=port), closing=[tracker.close]) as bound:
            playing = asyncio.create_task(play(), name="broadcast")
            try:
                yield Broadcast(bound.url, app)
            finally:
                playing.cancel()
                with suppress(asyncio.CancelledError):
                    await playing
