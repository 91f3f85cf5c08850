"""One life of the process that libtorrent has to itself, from our side: begun, told, heard, ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict

from seeder.logs import mask
from seeder.torrent import wire
from seeder.torrent.settings import SeedSettings

log = logging.getLogger(__name__)

SILENT_SECONDS = 60.0
"""Without a word, of which there is one a second, or none at all while Python starts: it hangs. No machine is
as busy as that for long."""

STOP_SECONDS = 5.0
"""From the order to stop to its end. It waits up to three for trackers; its files were let go of before."""

REAP_SECONDS = 5.0
"""For the kernel to end what it was told to kill."""


class Life:
    """Made by :func:`begin`; :meth:`end` it."""

    def __init__(self, process: asyncio.subprocess.Process, first: wire.Message) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[str | None]] = {}  # bounded: somebody waits for each
        self._wrong = ""
        self._complaints = asyncio.create_task(self._complain())
        self.over = False
        self._write(first)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def why(self) -> str:
        """It ended, for people; what ``libtorrent`` did."""
        if self._wrong:
            return self._wrong
        code = self._process.returncode
        if code is not None and code < 0:
            try:
                return f"was ended by {signal.Signals(-code).name}"
            except ValueError:
                return f"was ended by signal {-code}"
        return f"ended by itself (exit code {code})"

    def ask(self, order: wire.Message) -> asyncio.Future[str | None]:
        """Give an order; the future has ``None`` once it is carried out, else why it was not. Also ``None``
        when the process ends before: then it seeds nothing and has no file."""
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        if self.over:
            answer.set_result(None)
            return answer
        number = next(self._numbers)
        self._asked[number] = answer
        self._write({**order, "n": number})
        return answer

    async def heard(self) -> AsyncGenerator[wire.Message]:
        """What it says, but for answers, until its end."""
        assert self._process.stdout is not None
        try:
            while True:
                async with asyncio.timeout(SILENT_SECONDS):
                    line = await self._process.stdout.readline()
                if not line:
                    break
                said = wire.message(line)
                if said["say"] == "done":
                    answer = self._asked.pop(int(said["n"]), None)
                    if answer is not None and not answer.done():
                        answer.set_result(said["error"])
                else:
                    yield said
        except TimeoutError:
            self.kill(f"said nothing for {SILENT_SECONDS:g} s")
        except (ValueError, KeyError, TypeError):
            self.kill("said what cannot be used")

    def kill(self, wrong: str) -> None:
        self._wrong = self._wrong or wrong
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def stop(self) -> None:
        """Ask it to end in order; who hears it learns of the end."""
        self._write({"do": "stop"})

    async def end(self) -> None:
        """Idempotent: it is gone after this, and whoever waited for an answer has one."""
        self.over = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()  # not sent to a process that has ended
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(None)
        self._asked.clear()
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                assert self._process.stdout is not None
                while await self._process.stdout.read(wire.LINE):  # asyncio tells of the end only behind it
                    pass
                await self._process.wait()
                await self._complaints
        self._complaints.cancel()
        await asyncio.gather(self._complaints, return_exceptions=True)

    async def gone(self) -> None:
        """Until it has ended by itself, after its last word; at most a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                await self._process.wait()

    def _write(self, order: wire.Message) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(wire.line(order))

    async def _complain(self) -> None:
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # a line without end
                continue
            if not line:
                return
            if text := line.decode(errors="replace").strip():
                log.warning("libtorrent's process: %s", mask(text)[: wire.TEXT])


async def begin(settings: SeedSettings) -> Life:
    """Start one; OSError when that is not possible.

    It gets a session of its own: Ctrl-C in the terminal reaches us alone, and we stop it in order. Its
    modules are ours, found where we found them and not in the folder we happen to be in.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LIVE_TORRENT_")}
    environ["PYTHONPATH"] = os.pathsep.join(folder for folder in sys.path if folder)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "seeder.torrent.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=wire.LINE,
        start_new_session=True,
        env=environ,
    )
    level = logging.getLogger("seeder").getEffectiveLevel()
    return Life(process, {"settings": asdict(settings), "level": level})
