"""A publisher's frame → its segment in the manifest, by protocol, copied and encoded.

    python -m bench.arrival [--seconds 12]

Each frame has its number drawn into it, as stripes, and is handed to the publisher's ffmpeg (x264, a GOP a
second, picture alone) at a time that is known. *Listed* is from there, for a segment's last frame, to the
manifest that lists the segment; how long the publisher encodes and SRT's 120 ms are in it. The bare primitive
beside it in each round is the same ffmpeg with fragmented MP4 on a pipe: a whole fragment has been read.
Exact to 20 ms, which is how often manifests are asked for. A round is one protocol with two streams, one
copied (WHIP never is), one encoded again. CPU is our own process's, nobody asking meanwhile.
Files have no publisher: for those ``bench.publishing`` has the same, by EXT-X-PROGRAM-DATE-TIME.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import imageio_ffmpeg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bench.publishing import cpu
from bench.report import Figure, percentile, report
from bench.server import Server, serving

FFMPEG = str(imageio_ffmpeg.get_ffmpeg_exe())
WIDTH, HEIGHT, RATE = 160, 90, 25
BITS = 16
STRIPE = WIDTH // BITS
SKIPPED = 2
"""Segments at the start, when what came early waits for what looks at it."""
START = 40.0
QUIET = 4.0
POLL = 0.02
ENCODE = "-c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -g 25 -keyint_min 25 -sc_threshold 0"
OUTPUTS = {
    "rtmp": "-f flv rtmp://127.0.0.1:{port}/live/{key}",
    "rtsp": "-f rtsp -rtsp_transport tcp rtsp://127.0.0.1:{port}/live/{key}",
    "srt": "-muxdelay 0 -muxpreload 0 -f mpegts srt://127.0.0.1:{port}?streamid={key}",
    "mpegts": "-metadata service_name={key} -muxdelay 0 -muxpreload 0 -f mpegts tcp://127.0.0.1:{port}",
    "flv": "-metadata key={key} -f flv tcp://127.0.0.1:{port}",
    "browser": "-f matroska -live 1 -cluster_time_limit 20 pipe:1",
    "whip": "-f whip -handshake_timeout 30000 -authorization {key} {address}/whip/{name}",
}
OURS = ("browser",)
"""They have no port of their own."""
BARE = "-f mp4 -movflags frag_keyframe+empty_moov+default_base_moof pipe:1"


def drawn(number: int) -> bytes:
    """The frame, as yuv420p: bits from the left, the lowest first."""
    line = b"".join((b"\xeb" if number >> bit & 1 else b"\x10") * STRIPE for bit in range(BITS))
    return line * HEIGHT + b"\x80" * (WIDTH * HEIGHT // 2)


def last_number(media: bytes) -> int | None:
    """That of the last frame of an MP4; None when there is none."""
    command = (
        f"-v error -i pipe:0 -fps_mode passthrough -vf scale={WIDTH}:{HEIGHT} -pix_fmt gray -f rawvideo -"
    )
    frames = subprocess.run([FFMPEG, *command.split()], input=media, capture_output=True, timeout=60).stdout
    frame = frames[-WIDTH * HEIGHT :]
    if len(frame) < WIDTH * HEIGHT:
        return None
    middle = HEIGHT // 2 * WIDTH + STRIPE // 2
    return sum((frame[middle + bit * STRIPE] > 128) << bit for bit in range(BITS))


class Camera:
    """An ffmpeg that gets RATE numbered frames a second."""

    def __init__(self, output: str) -> None:
        self.times: list[float] = []
        """When each frame was handed over, as Unix time."""
        head = (
            f"-v fatal -f rawvideo -video_size {WIDTH}x{HEIGHT} -framerate {RATE} -pix_fmt yuv420p -i pipe:0"
        )
        command = [FFMPEG, *head.split(), *ENCODE.split(), "-flush_packets", "1", *output.split()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ended = False
        self._thread = threading.Thread(target=self._film)
        self._thread.start()

    def _film(self) -> None:
        assert self._process.stdin is not None
        due = time.time()
        while not self._ended:
            try:
                frame = drawn(len(self.times))
                self.times.append(time.time())
                self._process.stdin.write(frame)
                self._process.stdin.flush()
            except OSError:
                return
            due = max(due + 1 / RATE, time.time() - 1)  # what blocked at the start is not made up for
            time.sleep(max(0.0, due - time.time()))

    def boxes(self) -> Iterator[bytes]:
        """Of the MP4 on its stdout."""
        pipe = self._process.stdout
        assert pipe is not None
        while len(head := pipe.read(8)) == 8:
            yield head + pipe.read(int.from_bytes(head[:4], "big") - 8)

    def publish(self, url: str, key: str) -> None:
        """What is on its stdout, as a page would; until it ends."""
        pipe = self._process.stdout
        assert pipe is not None
        with suppress(ConnectionClosed), connect(url, compression=None) as socket:
            socket.send(json.dumps({"type": "start", "key": key}))
            while data := os.read(pipe.fileno(), 65536):
                socket.send(data)

    def end(self) -> None:
        self._ended = True
        self._process.kill()
        self._thread.join()
        self._process.wait()


class Watcher:
    """New segments of a stream: their media, and when they were first seen listed."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._folder = f"/live/{name}/v0/"
        self._known: set[str] = set()
        self.seen: list[tuple[bytes, float]] = []

    def look(self) -> None:
        text = self._server.get(self._folder + "index.m3u8")
        init = b""
        for uri, plain in re.findall(r'#EXT-X-MAP:URI="([^"]+)"|^([^#\n]+)$', text, re.MULTILINE):
            if uri:
                init = uri.encode()
            elif plain not in self._known:
                self._known.add(plain)
                at = time.time()
                media = self._fetch(init.decode()) + self._fetch(plain)
                self.seen.append((media, at))

    def _fetch(self, uri: str) -> bytes:
        host = urlsplit(self._server.address)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
        connection.request("GET", self._folder + uri)
        body = connection.getresponse().read()
        connection.close()
        return body


def delays(camera: Camera, seen: list[tuple[bytes, float]]) -> list[float]:
    """Milliseconds from a segment's last frame to when it was there."""
    numbered = [(last_number(media), at) for media, at in seen[SKIPPED:]]
    return [(at - camera.times[n]) * 1000 for n, at in numbered if n is not None and n < len(camera.times)]


def fragments(camera: Camera, into: list[tuple[bytes, float]]) -> None:
    """What a bare ffmpeg makes, until it ends."""
    init = moof = b""
    for box in camera.boxes():
        kind = box[4:8]
        if kind in (b"ftyp", b"moov"):
            init += box
        elif kind == b"moof":
            moof = box
        elif kind == b"mdat":
            into.append((init + moof + box, time.time()))


@contextmanager
def filming(output: str) -> Iterator[Camera]:
    camera = Camera(output)
    try:
        yield camera
    finally:
        camera.end()


def round_of(
    server: Server, outputs: dict[str, str], seconds: float, keys: dict[str, str]
) -> tuple[dict[str, list[float]], float]:
    """Delays by the stream's name, those of the bare primitive as ``bare``; CPU of ours, in %. ``keys``: of
    streams that we publish ourselves, out of a pipe."""
    bare: list[tuple[bytes, float]] = []
    with ExitStack() as stack:
        cameras = {name: stack.enter_context(filming(output)) for name, output in outputs.items()}
        cameras["bare"] = stack.enter_context(filming(BARE))
        reader = threading.Thread(target=fragments, args=(cameras["bare"], bare))
        reader.start()
        for name, shown in keys.items():
            url = f"{server.address.rstrip('/').replace('http', 'ws')}/api/publish/{name}"
            threading.Thread(target=cameras[name].publish, args=(url, shown)).start()
        watchers = {name: Watcher(server, name) for name in outputs}
        deadline = time.time() + START
        while any(not watcher.seen for watcher in watchers.values()) and time.time() < deadline:
            look(watchers)
        began = cpu(server.pid)
        time.sleep(QUIET)
        used = (cpu(server.pid) - began) / QUIET * 100
        look(watchers)  # what came in the quiet is not measured
        late = {name: len(watcher.seen) for name, watcher in watchers.items()}
        end = time.time() + seconds
        while time.time() < end:
            look(watchers)
    reader.join()
    found = {n: delays(cameras[n], watcher.seen[late[n] - SKIPPED :]) for n, watcher in watchers.items()}
    return {**found, "bare": delays(cameras["bare"], bare)}, used


def look(watchers: dict[str, Watcher]) -> None:
    for watcher in watchers.values():
        watcher.look()
    time.sleep(POLL)


def key(keys: Path, name: str) -> str:
    command = [sys.executable, "-m", "seeder", "keys", "create", name, "--keys", str(keys)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(folder: Path, seconds: float) -> list[Figure]:
    feed, keys, config = folder / "feed", folder / "keys.json", folder / "live.toml"
    feed.mkdir()
    config.write_text("".join(f'[[streams]]\nname = "{p}-encoded"\ncopy = false\n' for p in OUTPUTS))
    ports = {protocol: 0 if protocol in OURS else free_port() for protocol in OUTPUTS}
    opened = [word for protocol in OUTPUTS for word in ("--publish", f"{protocol}:{ports[protocol]}")]
    given = ("--config", str(config), "--keys", str(keys), "--segment-seconds", "1", "--log-level", "warning")
    figures = []
    with serving(feed, *given, *opened) as server:
        for protocol, output in OUTPUTS.items():
            kinds = ("encoded",) if protocol == "whip" else ("copied", "encoded")
            names = {kind: f"{protocol}-{kind}" for kind in kinds}
            shown = {name: key(keys, name) for name in names.values()}
            outputs = {
                name: output.format(
                    port=ports[protocol], key=shown[name], name=name, address=server.address.rstrip("/")
                )
                for name in names.values()
            }
            found, used = round_of(server, outputs, seconds, shown if protocol in OURS else {})
            for kind, name in names.items():
                figures += compared(f"{protocol}, {kind}", found[name], found["bare"])
            figures.append(Figure(f"{protocol}: CPU per stream", used / len(kinds), "%"))
    return figures


def compared(what: str, ours: list[float], bare: list[float]) -> list[Figure]:
    if not ours or not bare:
        return [Figure(f"{what}: segments", 0, "", goal=-1)]
    half, most = percentile(ours, 0.5), percentile(ours, 0.95)
    return [
        Figure(f"{what}: listed, median", half, "ms"),
        Figure(f"{what}: listed, p95", most, "ms"),
        Figure(f"{what}: median ÷ bare", half / percentile(bare, 0.5), ""),
        Figure(f"{what}: p95 ÷ bare", most / percentile(bare, 0.95), ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=12.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-torrent-bench-") as folder:
        figures = measure(Path(folder).resolve(), asked.seconds)
    report("arrival", figures, f"segments of 1 s, {asked.seconds:g} s of each protocol")


if __name__ == "__main__":
    main()
