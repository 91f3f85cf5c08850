"""What many tests share: ffmpeg, sample HLS, a real browser, the real command.

Everything asynchronous runs on **one event loop for the whole session** (pyproject.toml sets both default
loop scopes to ``session``), because the browser is launched once and its connection belongs to the loop it
was made on. So an async test or fixture needs no decorator, may use ``chromium`` or ``new_page`` directly,
and must leave no task behind.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests import browser_path, npm

ROOT = Path(__file__).resolve().parent.parent
# The same examples each time, and none fails for its time: the machine is shared.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
START_TIMEOUT = 90.0
"""Seconds for the command to answer /healthz: a noisy machine, never the usual time."""
STOP_TIMEOUT = 60.0
"""Seconds from SIGINT to the exit: likewise."""
LISTENING = re.compile(r"listening at https?://127\.0\.0\.1:(\d+)\D")


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What runs in this process keeps its state here, not in the home of whoever runs the tests."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The path of the wheel's ffmpeg."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago. Where a port of 0 can be given, give that."""
    return unused_port()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def feed_dir(tmp_path: Path) -> Path:
    """An empty feed folder."""
    feed = tmp_path / "feed"
    feed.mkdir()
    return feed


# ---------------------------------------------------------------------------------------------- sample HLS


@pytest.fixture(scope="session")
def ts_vod(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``index.m3u8`` (VOD, 12 s) and ``seg0.ts`` … ``seg5.ts`` of 2 s, 320x180.

    Made once a session: copy it (``shutil.copytree``) before changing it.
    """
    folder = tmp_path_factory.mktemp("ts-vod")
    return make_hls(ffmpeg, folder, "-hls_segment_filename", str(folder / "seg%d.ts"))


@pytest.fixture(scope="session")
def fmp4_vod(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as fMP4: ``init.mp4`` and ``seg0.m4s`` … ``seg5.m4s``."""
    folder = tmp_path_factory.mktemp("fmp4-vod")
    return make_hls(
        ffmpeg,
        folder,
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-hls_segment_filename", str(folder / "seg%d.m4s")),
    )


def make_hls(ffmpeg: str, folder: Path, *muxer: str) -> Path:
    """A test picture and a tone as a finished VOD of 12 s, in segments of 2 s, in ``folder``."""
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", "12", "-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "600k", "-pix_fmt", "yuv420p"),
        *("-g", "50", "-keyint_min", "50", "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", "64k"),
        *("-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"),
        *muxer,
        str(folder / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def npm_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package's tarball, of the present sources."""
    return npm.pack(tmp_path_factory.mktemp("npm"))


# ------------------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's executable; ``make test`` sees to it that there is one."""
    path = browser_path.find()
    if path is None:
        pytest.fail(f"no Chromium: run `make browser`, or set {browser_path.VARIABLE} to one")
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    """One headless Chromium for the session. Each test makes its own context, best through ``new_page``."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=list(browser_path.FLAGS)
        )
        yield browser
        await browser.close()


NewPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(chromium: Browser) -> AsyncIterator[NewPage]:
    """``page = await new_page(**context_options)``: a page in a context (a visitor) of its own.

    Two pages of one visitor: ``await page.context.new_page()``. What a page wrote to its console is in
    ``page_log(page)``; an exception that nobody caught in a page fails the test.
    """
    async with visitors(chromium) as make:
        yield make


@asynccontextmanager
async def visitors(chromium: Browser) -> AsyncIterator[NewPage]:
    """What ``new_page`` gives a test, for other lengths of time."""
    contexts: list[BrowserContext] = []
    logs: list[int] = []
    uncaught: list[str] = []

    async def make(**options: object) -> Page:
        context = await chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("weberror", lambda error: uncaught.append(str(error.error)))
        page = await context.new_page()
        lines: list[str] = []
        page.on("console", lambda message: lines.append(f"{message.type}: {message.text}"))
        PAGE_LOGS[id(page)] = lines
        logs.append(id(page))
        return page

    yield make
    for context in contexts:
        await context.close()
    for log in logs:
        PAGE_LOGS.pop(log, None)
    assert not uncaught, f"uncaught in a page: {uncaught}"


PAGE_LOGS: dict[int, list[str]] = {}


def page_log(page: Page) -> list[str]:
    """The console lines of a page made by ``new_page``, for an assertion's message."""
    return PAGE_LOGS.get(id(page), [])


# --------------------------------------------------------------------------------------------- the command


@dataclass
class Running:
    """A ``live-torrent`` process under test."""

    url: str
    """``http(s)://127.0.0.1:<port>``, no trailing slash."""
    port: int
    process: subprocess.Popen[bytes]
    log_file: Path
    _stopped: bool = field(default=False, repr=False)

    def log(self) -> str:
        """Everything it wrote so far, stdout and stderr."""
        return self.log_file.read_text(errors="replace")

    async def stop(self) -> None:
        """SIGINT, as Ctrl-C does; it must leave by itself, in time, without a traceback. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code = await asyncio.to_thread(self.process.wait, STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"still running {STOP_TIMEOUT:.0f} s after SIGINT:\n{self.log()}")
        assert code in (0, 130), f"exit code {code}:\n{self.log()}"
        assert "Traceback (most recent call last)" not in self.log(), self.log()

    def kill(self) -> None:
        """The end without manners, for tests about crashes and for clearing up."""
        self._stopped = True
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


Start = Callable[..., Awaitable[Running]]


@pytest_asyncio.fixture(loop_scope="session")
async def live_torrent(tmp_path: Path) -> AsyncIterator[Start]:
    """``server = await live_torrent("serve", "--feed", str(feed_dir))``: the real command, once it answers.

    Every server is stopped after the test (:func:`commands` has the keywords).
    """
    async with commands(tmp_path) as start:
        yield start


@asynccontextmanager
async def commands(folder: Path) -> AsyncIterator[Start]:
    """What starts the real command, with its home and its log in ``folder``.

    ``--host 127.0.0.1`` and ``--port 0`` are added. Keywords: ``env`` (added to a clean environment),
    ``cwd``, ``scheme`` ("https" with ``--tls-…``). Every server is stopped at the end, and its manners
    are asserted (:meth:`Running.stop`).
    """
    started: list[Running] = []

    async def start(
        *args: str, env: dict[str, str] | None = None, cwd: Path | None = None, scheme: str = "http"
    ) -> Running:
        log_file = folder / f"live-torrent-{len(started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "seeder", *args, "--host", "127.0.0.1", "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd or folder,
                env=command_environment(folder) | (env or {}),
            )
        running = Running("", 0, process, log_file)
        started.append(running)
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                # Its own choice: a port that was looked for beforehand could be somebody else's by now.
                if found := LISTENING.search(running.log()):
                    running.port = int(found[1])
                    running.url = f"{scheme}://127.0.0.1:{running.port}"
                    if await asyncio.to_thread(healthy, running.url):
                        return running
                if process.poll() is not None:
                    pytest.fail(f"live-torrent left with exit code {process.returncode}:\n{running.log()}")
                await asyncio.sleep(0.05)

    try:
        yield start
        for running in reversed(started):
            await running.stop()
    finally:
        for running in started:
            running.kill()


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``done = run_command("serve", "--feed", "/nowhere")``: the real command where it must end by itself."""

    def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "seeder", *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            cwd=tmp_path,
            env=command_environment(tmp_path) | (env or {}),
        )

    return run


def command_environment(home: Path) -> dict[str, str]:
    """Our command from this checkout, without the settings of whoever runs the tests."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
    }


def healthy(base: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"{base}/healthz", timeout=5, context=context) as answer:
            return int(answer.status) == 200
    except OSError:  # refused while it starts; urllib's errors are OSErrors too
        return False
