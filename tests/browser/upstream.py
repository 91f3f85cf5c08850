"""Somebody else's live feeds: ffmpeg that writes them, and a plain web server on another origin."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.fetch.hosting import host

WINDOW = 6
"""Segments listed, of a second each."""
BURST = 4
"""Seconds of it that are there at once, so that nobody waits for a window to fill."""

Fault = Callable[[web.Request, Path], Awaitable[web.StreamResponse | None]]
"""What is answered in place of a file; None: the file."""


def make_source(ffmpeg: str, folder: Path) -> Path:
    """Two pictures of unlike size and a tone, with a key frame a second: ffmpeg only copies from it."""
    source = folder / "source.mp4"
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-t", "60"),
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5", "-t", "60"),
        *(
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000",
            "-filter_complex",
            "[0:v]scale=96:54[s]",
        ),
        *("-map", "0:v", "-map", "[s]", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-pix_fmt", "yuv420p", "-g", "5", "-keyint_min", "5", "-sc_threshold", "0", "-c:a", "aac"),
        *("-b:v:0", "300k", "-b:v:1", "150k", "-b:a", "64k", str(source)),
    ]
    subprocess.run(command, check=True, timeout=100)
    return source


ONE = ("-map", "0:v:0", "-map", "0:a")
PARTED = (
    "-hls_segment_type",
    "fmp4",
    "-hls_fmp4_init_filename",
    "init.mp4",
    "-hls_segment_filename",
    "%d.m4s",
)
FEEDS: dict[str, tuple[str, ...]] = {
    "multivariant": (
        *("-map", "0:a", "-map", "0:v:0", "-map", "0:v:1", "-master_pl_name", "master.m3u8"),
        *("-var_stream_map", "a:0,agroup:snd,default:yes,language:en v:0,agroup:snd v:1,agroup:snd"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "delete_segments", "-hls_segment_filename", "%v-%d.m4s"),
        "%v.m3u8",
    ),
    "encrypted": (*ONE, "-hls_key_info_file", "key.txt", "-hls_flags", "delete_segments", "index.m3u8"),
    "ranges": (*ONE, "-hls_flags", "single_file", "-hls_list_size", "0", "index.m3u8"),
    "fragments": (*ONE, *PARTED, "-hls_flags", "delete_segments", "index.m3u8"),
    "broken": (*ONE, "-hls_flags", "delete_segments+append_list", "index.m3u8"),
}
"""By name: what the muxer is told. ``broken`` can go on where it was killed, after a discontinuity."""


class Publisher:
    """One ffmpeg that writes one live feed, as fast as it is played."""

    def __init__(self, ffmpeg: str, source: Path, folder: Path, muxer: tuple[str, ...]) -> None:
        self.folder = folder
        self._command = [
            *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-readrate", "1"),
            *("-readrate_initial_burst", str(BURST), "-stream_loop", "-1", "-i", str(source), "-c", "copy"),
            *("-f", "hls", "-hls_time", "1", "-hls_list_size", str(WINDOW), *muxer),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def playlist(self) -> str:
        name = "master.m3u8" if (self.folder / "master.m3u8").exists() else "index.m3u8"
        return f"{self.folder.name}/{name}"

    def text(self) -> str:
        return (self.folder / "index.m3u8").read_text()

    def begin(self, number: int = 0) -> None:
        """``number``: of its first segment."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "secret.key").write_bytes(bytes(range(16)))
        (self.folder / "key.txt").write_text(f"secret.key\n{self.folder / 'secret.key'}\n")
        self._process = subprocess.Popen(
            [*self._command[:-1], "-start_number", str(number), self._command[-1]], cwd=self.folder
        )

    def kill(self) -> None:
        """Without a goodbye: the playlist is not ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def listed(self, segments: int = 2) -> None:
        async with asyncio.timeout(60):
            while (
                not any(file.read_text().count("#EXTINF") >= segments for file in self.folder.glob("*.m3u8"))
                or not (self.folder.parent / self.playlist).exists()
            ):
                await asyncio.sleep(0.05)


class Web:
    """A plain web server with a folder; ``fault`` answers in its place where it wants to."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.fault: Fault | None = None
        self.asked: Counter[str] = Counter()
        self._folder = folder

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self._folder / request.match_info["path"]
        if not path.is_file():
            return web.Response(status=404, headers=CORS)
        self.asked[request.path] += 1
        if self.fault is not None and (answer := await self.fault(request, path)) is not None:
            return answer
        kept = "no-cache" if path.suffix == ".m3u8" else "max-age=60"
        return web.FileResponse(path, headers={**CORS, "Cache-Control": kept})


CORS = {"Access-Control-Allow-Origin": "*"}


def by_a_viewer(request: web.Request) -> bool:
    """Not by live-torrent."""
    return "Mozilla" in request.headers.get("User-Agent", "")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Web]:
    site = Web(folder)
    async with host({"{path:.*}": site.answer}) as url:
        site.url = url
        yield site
