"""The process that libtorrent has to itself: ``python -m seeder.torrent.child``, told what to do on stdin.

It ends with its stdin, at once: whoever started it is gone. Signals that ask to stop are for who started it,
who then says so here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from seeder.torrent import wire
from seeder.torrent.settings import SeedSettings

if TYPE_CHECKING:
    from seeder.torrent.session import SeedSession


class Out:
    """The pipe to who started us. Nothing else that is printed gets into it."""

    def __init__(self) -> None:
        self._pipe = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, what: str, **more: object) -> None:
        self.send({"say": what, **more})

    def send(self, message: wire.Message) -> None:
        """Waits when nobody reads: libtorrent goes on meanwhile, on threads of its own."""
        rest = wire.line(message)
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._pipe, rest) :]
            except OSError:  # nobody will ever read it
                os._exit(1)


class Log(logging.Handler):
    def __init__(self, out: Out) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        self._out.say("log", level=record.levelno, text=text[: wire.TEXT])


class Child:
    def __init__(self, out: Out, orders: asyncio.StreamReader, session: SeedSession) -> None:
        self._out = out
        self._orders = orders
        self._session = session
        self._under_way: set[asyncio.Task[None]] = set()  # bounded by the orders that their giver waits for

    async def run(self) -> None:
        """Until told to stop."""
        self._session.on_broken = lambda infohash: self._out.say("broken", infohash=infohash.hex())
        state = asyncio.create_task(self._state())
        while line := await self._orders.readline():
            order = wire.message(line)
            if order["do"] == "stop":
                state.cancel()
                return
            task = asyncio.create_task(self._obey(order))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        os._exit(1)

    async def _obey(self, order: wire.Message) -> None:
        error = None
        try:
            if order["do"] == "seed":
                await self._session.seed(*wire.seed_arguments(order))
            else:
                await self._session.retire(bytes.fromhex(order["infohash"]))
        except Exception as failure:  # noqa: BLE001 (whatever it is, somebody waits for an answer)
            error = str(failure) or type(failure).__name__
        self._out.say("done", n=order["n"], error=error)

    async def _state(self) -> None:
        while True:
            self._out.send(wire.state(self._session.counters(), self._session.listening))
            await asyncio.sleep(wire.STATE_SECONDS)


async def live(out: Out) -> None:
    orders = asyncio.StreamReader(wire.LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), os.fdopen(0, "rb", 0)
    )
    first = wire.message(await orders.readline() or b"{}")
    logging.getLogger("seeder").setLevel(first["level"])
    try:
        # Late: that it is not to be had is for the log of who started us.
        from seeder.torrent.session import SeedSession

        session = SeedSession(SeedSettings(**first["settings"]))
        await session.__aenter__()
    except Exception as error:  # noqa: BLE001 (whatever it is)
        out.say("failed", why=str(error) or type(error).__name__)
        return
    listening = sorted(session.listening)
    out.say("ready", pending=session.pending, warning=session.warning, listening=listening)
    await Child(out, orders, session).run()
    await session.__aexit__(None, None, None)


def main() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # a service manager sends them to every process it knows of
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = Out()
    logging.getLogger().addHandler(Log(out))
    asyncio.run(live(out))
    # Without the rest of what Python does at the end: libtorrent's threads may outlast it.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
