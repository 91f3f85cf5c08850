"""One ffmpeg process: started, read, its complaints kept, stopped politely."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from seeder.errors import IngestError
from seeder.ingest.sources import mask

READ = 256 * 1024  # bytes a read: a 2 s segment takes one or two
LINES = 20  # of stderr kept: the cause is among the last few
LINE = 400  # characters kept of a line; addresses of cloud storage are long
QUIT_SECONDS = 1.2  # 'q' flushes the encoder and writes the last fragment: 0.1 s when idle, more when loaded
TERM_SECONDS = 0.6  # a process that ignored 'q' is stuck in its input; SIGTERM interrupts that
# Together under two seconds, so that stopping a service stays within three.
BEHIND = 15  # nice: a thirtieth of what an ffmpeg of something live gets, where both want a core

T = TypeVar("T")


class Process:
    """Use :func:`running`; never construct it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        keep: int,
        more: Sequence[asyncio.StreamReader] = (),
    ) -> None:
        self._process = process
        self._more = tuple(more)
        self._stdout: asyncio.StreamReader = _given(process.stdout)
        self._stderr: asyncio.StreamReader = _given(process.stderr)
        self._lines: deque[str] = deque(maxlen=keep)
        self._complaints = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines of stderr, credentials masked."""
        return tuple(self._lines)

    async def read(self, output: int = 0) -> bytes:
        """The next bytes of stdout, or of a further output from 1 on; empty at its end. Safe to cancel."""
        return await self._output(output).read(READ)

    def _output(self, number: int) -> asyncio.StreamReader:
        return self._more[number - 1] if number else self._stdout

    async def write(self, data: bytes) -> None:
        """To its standard input, at the pace it reads. OSError: it is gone."""
        stdin = _given(self._process.stdin)
        stdin.write(data)
        await stdin.drain()

    def end_input(self) -> None:
        """Its standard input ends: it says its last word and exits."""
        with contextlib.suppress(OSError):
            _given(self._process.stdin).close()

    async def wait(self) -> int:
        """The exit code, once stderr has been read to its end too. Safe to cancel."""
        code = await self._process.wait()
        with contextlib.suppress(TimeoutError):  # a grandchild may hold stderr open
            async with asyncio.timeout(1):
                await asyncio.shield(self._complaints)
        return code

    async def stop(self, *, unread: bool = False) -> None:
        """'q', then SIGTERM, then SIGKILL. Somebody must go on reading all outputs, or ffmpeg cannot
        write its last fragment; ``unread``: nobody will, it is thrown away. Cancelled, it kills at once."""
        try:
            with contextlib.suppress(OSError):  # it is gone already
                if self._process.stdin is not None and not self._process.stdin.is_closing():
                    # Media that is cut off, should it be that which ffmpeg reads there.
                    self._process.stdin.write(b"q")
                    self._process.stdin.close()
                else:
                    self._signal(signal.SIGINT)
            if not await self._gone(QUIT_SECONDS):
                self._signal(signal.SIGTERM)
                await self._gone(TERM_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
        if unread:
            await self._reap()

    async def _reap(self) -> None:
        """asyncio knows of an exit only once stdout was read to its end."""
        for number in range(1 + len(self._more)):
            with contextlib.suppress(RuntimeError):  # somebody else is reading it
                while await self.read(number):
                    pass
        await self._process.wait()

    async def _gone(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self._process.returncode is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            # asyncio's send_signal looks whether it has ended, and takes the exit code from who waits for it.
            os.kill(self._process.pid, number)

    async def _listen(self) -> None:
        rest = ""
        while chunk := await self._stderr.read(4096):
            *lines, rest = (rest + chunk.decode(errors="replace")).replace("\r", "\n").split("\n")
            self._lines.extend(mask(line)[:LINE] for line in lines if line.strip())
            rest = rest[: 8 * LINE]  # a line without end
        if rest.strip():
            self._lines.append(mask(rest)[:LINE])

    async def close(self) -> None:
        """Idempotent: whatever still runs is killed and waited for."""
        self._signal(signal.SIGKILL)
        await self._reap()
        self._complaints.cancel()
        await asyncio.gather(self._complaints, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(
    path: str,
    arguments: Sequence[str] | Callable[[tuple[int, ...]], Sequence[str]],
    *,
    own_stdin: bool = False,
    script: bytes = b"",
    keep: int = LINES,
    outputs: int = 1,
    behind: bool = False,
    cwd: Path | None = None,
) -> AsyncIterator[Process]:
    """An ffmpeg that is dead when the block is left. ``own_stdin`` gives it our standard input, to read from;
    ``script`` is all that its own will hold; ``keep`` is how many lines of stderr are kept. With several
    ``outputs`` ``arguments`` is asked for, given the numbers of the pipes to write to (the first is 1).
    ``behind``: it takes of the processor what everything else leaves.
    ``cwd``: where it works.

    It gets a session of its own: Ctrl-C in the terminal reaches us alone, and we stop it in order. Should we
    be killed, it ends by itself when it next writes to the broken pipe.
    """
    pipes = [os.pipe() for _ in range(outputs - 1)]
    async with contextlib.AsyncExitStack() as stack:
        ends = tuple(write for _, write in pipes)
        try:
            readers = [await _reader(read, stack) for read, _ in pipes]
            process = await asyncio.create_subprocess_exec(
                path,
                *(arguments((1, *ends)) if callable(arguments) else arguments),
                stdin=None if own_stdin else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=READ,
                start_new_session=True,
                pass_fds=ends,
                cwd=cwd,
            )
        except (OSError, ValueError) as error:
            raise IngestError(f"{path} cannot be started: {error}") from error
        finally:
            for end in ends:  # ffmpeg's own are copies; while ours are open, no reader sees the end
                os.close(end)
        run = Process(process, keep, readers)
        if behind:
            _step_back(process.pid)
        try:
            if script:
                with contextlib.suppress(OSError):  # its exit code tells more
                    await run.write(script)
                run.end_input()
            yield run
        finally:
            await run.close()


def _step_back(pid: int) -> None:
    """Right after its start: its threads inherit it."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has no setpriority
        os.setpriority(os.PRIO_PROCESS, pid, BEHIND)
    with contextlib.suppress(OSError):
        # Linux may weigh sessions against each other first, and it has one of its own (sched(7)).
        Path(f"/proc/{pid}/autogroup").write_text(str(BEHIND))


async def _reader(pipe: int, stack: contextlib.AsyncExitStack) -> asyncio.StreamReader:
    """Of the reading end of a pipe, which is closed with ``stack``."""
    reader = asyncio.StreamReader(READ)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0)
    )
    stack.callback(transport.close)
    return reader


def _given(stream: T | None) -> T:
    assert stream is not None  # we asked for a pipe
    return stream
