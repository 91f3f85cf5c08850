"""A live stream from ready-made segments, on the real server and tracker: nothing is encoded meanwhile.

What is played is the wall clock's choice (a new segment every ``SECONDS``), as with any live stream; what
the tests assert is not.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from seeder.feed.library import Library
from seeder.hls.names import content_type
from seeder.model import Kind, PublishedPlaylist, Resource, StreamView, Terms, Torrent
from seeder.torrent.metainfo import make_torrent
from seeder.tracker.socket import Message, Receive, Tracker, Transmit
from seeder.tracker.wire import IceServer
from seeder.web.addresses import Reach
from seeder.web.app import create_app
from seeder.web.bundle_files import Bundle, load_bundle
from seeder.web.server import ServerConfig, serve
from seeder.web.site import blueprint as site_blueprint

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


EPOCH = 1_700_000_000
"""When the first segment was live, Unix seconds."""


def view(
    name: str,
    recording: Recording,
    torrents: tuple[Torrent, ...],
    last: int,
    home: str = "",
    window: int = WINDOW,
) -> StreamView:
    """The stream when segment ``last`` is its newest. ``home``: where its segments are, instead of here."""
    first = max(0, last - window + 1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f'#EXT-X-MAP:URI="{home}init.mp4"',
        f"#EXT-X-PROGRAM-DATE-TIME:{datetime.fromtimestamp(EPOCH + first * SECONDS, UTC).isoformat()}",
    ]
    resources = {"video/init.mp4": _resource("video/init.mp4", Kind.INIT, recording.init, None)}
    listed: dict[int, Torrent] = {}
    for msn in range(first, last + 1):
        path = f"video/{msn}.m4s"
        listed[len(lines)] = torrents[msn]
        lines += [f"#EXTINF:{SECONDS:.3f},", f"{home}{msn}.m4s"]
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


class Rendezvous:
    """Where ``/announce`` leads: a tracker that can be ended and begun again while the server goes on."""

    def __init__(self, library: Library, lend: Callable[[bytes], IceServer] | None = None) -> None:
        self._library = library
        self._lend = lend
        self._running = AsyncExitStack()
        self._tracker: Tracker | None = None

    async def begin(self) -> None:
        """A new tracker, which knows nobody."""
        tracker = Tracker(self._library.knows, lend=self._lend)
        self._tracker = await self._running.enter_async_context(tracker)

    @property
    def opened(self) -> int:
        """Connections since it began."""
        assert self._tracker is not None
        return self._tracker.counters.opened

    async def end(self) -> None:
        """Every connection is closed and none accepted. Idempotent."""
        self._tracker = None
        await self._running.aclose()

    def viewers(self, infohash: bytes) -> int:
        return 0 if self._tracker is None else self._tracker.viewers(infohash)

    async def __call__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        if self._tracker is not None:
            await self._tracker(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1013})


class Broadcast:
    """A running server whose streams begin and end when a test says so."""

    def __init__(
        self,
        url: str,
        library: Library,
        recording: Recording,
        rendezvous: Rendezvous,
        home: str,
        window: int,
    ) -> None:
        self.url = url
        self._home = home
        self._window = window
        self.rendezvous = rendezvous
        self._library = library
        self._recording = recording
        self._playing: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str) -> None:
        """Live from now on, with a full window at once, until the recording ends."""
        self._playing[name] = asyncio.create_task(self._play(name), name=f"broadcast {name}")

    async def end(self, name: str) -> None:
        """No further segment, and the playlist says so (EXT-X-ENDLIST)."""
        await self._stop(name)
        now = self._library.stream(name)
        assert now is not None
        media = now.playlists["video/index.m3u8"]
        text = media.text + "#EXT-X-ENDLIST\n"
        ended = replace(media, text=text, live=False, version=media.version + 1)
        playlists = {**now.playlists, "video/index.m3u8": ended}
        self._library.publish(replace(now, live=False, playlists=playlists))

    async def close(self) -> None:
        for name in tuple(self._playing):
            await self._stop(name)

    async def _stop(self, name: str) -> None:
        task = self._playing.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _play(self, name: str) -> None:
        # Streams of their own: the same bytes under another name are another torrent.
        torrents = tuple(
            make_torrent(f"{name}-{msn}.m4s", data) for msn, data in enumerate(self._recording.segments)
        )
        for last in range(self._window - 1, len(self._recording.segments)):
            self._library.publish(view(name, self._recording, torrents, last, self._home, self._window))
            await asyncio.sleep(SECONDS)


@asynccontextmanager
async def broadcast(
    recording: Recording,
    *names: str,
    bundle: Callable[[], Bundle] = load_bundle,
    port: int = 0,
    home: str = "",
    window: int = WINDOW,
    terms: Terms | None = None,
    lend: Callable[[bytes], IceServer] | None = None,
) -> AsyncIterator[Broadcast]:
    """Serve the streams ``names`` live. ``home``: another origin's folder that has their segments;
    ``window``: how many are listed; ``terms`` are the operator's, ``lend`` the tracker's."""
    library = Library(Path("/nonexistent"))
    rendezvous = Rendezvous(library, lend)
    reach = Reach(terms=terms or Terms())
    await rendezvous.begin()
    try:
        app = create_app(
            library,
            reach=reach,
            announce=rendezvous,
            viewers=rendezvous.viewers,
            bundle=bundle,
            blueprints=(site_blueprint(lambda: ()),),
        )
        async with serve(app, ServerConfig(host="127.0.0.1", port=port), closing=[rendezvous.end]) as bound:
            running = Broadcast(bound.url, library, recording, rendezvous, home, window)
            for name in names:
                running.begin(name)
            try:
                yield running
            finally:
                await running.close()
    finally:
        await rendezvous.end()


def recorded(url: str) -> str:
    """The media playlist there as that of a film, to be put elsewhere: everything else stays where it is."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    base = url.rsplit("/", 1)[0]
    text = re.sub(r'URI="(?!http)', f'URI="{base}/', text)
    return (
        re.sub(r"^(?=[^#\n])(?!http)", f"{base}/", text, flags=re.M).replace("#EXT-X-ENDLIST\n", "")
        + "#EXT-X-ENDLIST\n"
    )
