"""Stands at the port: answers what is hot from memory, passes the rest on.

Viewers ask for playlists and live segments all the time, over connections they keep, and before the first
picture for a page and its scripts. Those requests are recognised here (:mod:`~seeder.web.head`), decided by
the same :mod:`~seeder.web.hot` as everyone's, and their bytes go straight to the transport. Anything else, a
body, a file on disk, the API, nonsense, goes to hypercorn from its first byte on; when that has answered, the
connection comes back. WebSockets at ``/announce`` go to who adopts them, HTTP/2 to hypercorn, both for good.

    listening → (hot) writing → listening
              → (a blocking reload) waiting → writing
              → (anything else) away → listening, or the end
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from seeder.web.answer import Answer
from seeder.web.head import Head, ended, parse_head, wants_websocket
from seeder.web.hot import Hot
from seeder.web.link import CLOSE_TIMEOUT
from seeder.web.lobby import Lobby
from seeder.web.patience import Patient
from seeder.web.reply import BODILESS, Heads
from seeder.web.waiting import Verdict, Wait

log = logging.getLogger(__name__)

Adopt = Callable[[asyncio.Transport, bytes], asyncio.BaseProtocol]
"""Takes a connection over: sets its protocol and reads the bytes that came in already, which begin with a
whole request that asks for a WebSocket at ``/announce``."""

CHUNK = 256 * 1024
"""Bytes per write: what the kernel does not take is copied and held, a quarter of a MiB for a slow reader and
not a whole segment."""
SMALL = 64 * 1024
"""Bytes of a body that leave in one piece with their head: the copy costs less than another packet."""
SEND_TIMEOUT = 60.0
"""Seconds for what was written to be taken: 4 KiB/s plays nothing. Slower readers are cut off."""
IDLE_TIMEOUT = 30.0
"""Seconds from one answer to the whole next request: a player asks every target duration (2–10 s) and should
find its connection open. It also ends who sends a request's head more slowly."""
MAX_HEAD = 32 * 1024
"""Bytes of a request's head; twice what browsers' cookies fill. h11 says 431 to longer ones."""
MAX_HELD = 64 * 1024
"""Bytes read ahead while an answer is under way; then TCP pushes back."""
TURN = 32
"""Pipelined requests answered before other connections have their turn: some ms."""
MAX_REQUESTS = 100_000
"""Of one connection, as at hypercorn."""
_NOTHING = memoryview(b"")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of one server have in common."""

    lobby: Lobby
    hot: Hot | None
    adopt: Adopt | None
    cold: Callable[[Front, asyncio.Transport, bytes, bool], None]
    """Serves what is not for here: connection, bytes read so far, whether there are no more to come."""
    inbox: memoryview
    """Where bytes are read into: one for all, for each is emptied before the next is filled."""
    heads: Heads
    fronts: set[Front]
    """Those that listen or write now."""


class Front(Patient, asyncio.BufferedProtocol):
    """One connection."""

    __slots__ = (
        "_answered", "_answering", "_at", "_away", "_body", "_closing", "_ended", "_held", "_last",
        "_paused", "_resting", "_scheme", "_shared", "_transport", "_verdict", "_waiting",
    )  # fmt: skip

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared
        self._transport: asyncio.Transport
        self._scheme = "http"
        self._held = b""
        """Read, not yet answered."""
        self._answering: Answer | None = None
        """Its body is being sent."""
        self._body = _NOTHING
        self._at = 0
        """Up to where in it."""
        self._answered = 0
        self._last = False
        """No request is answered behind the one under way."""
        self._ended = False
        """The client says no more; what it said before is answered."""
        self._paused = False
        """The transport holds bytes that the client has not taken."""
        self._resting = False
        """Others have their turn."""
        self._away = False
        """Somebody else serves the connection."""
        self._waiting: Wait | None = None
        """A playlist is to go on before the request that ``_held`` begins with can be answered."""
        self._verdict: Verdict | None = None
        """What came of it."""
        self._closing = False

    # --- the transport's calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._shared.lobby.enter(transport):
            self._away = True
            transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._scheme = "https"
            if tls.selected_alpn_protocol() == "h2":
                self._away = True
                self._shared.cold(self, transport, b"", False)
                return
        self._listen()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._shared.inbox

    def buffer_updated(self, nbytes: int) -> None:
        data = self._shared.inbox[:nbytes].tobytes()
        self._held = self._held + data if self._held else data
        if not (self._away or self._paused or self._resting or self._answering or self._waiting):
            self._read()
        elif len(self._held) > MAX_HELD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Over plain TCP the client may still be reading; one that we made wait has more likely left."""
        self._ended = True
        if self._busy and self._waiting is None:
            return self._scheme == "http"
        self._close()  # else what is held is no whole request
        return False

    def pause_writing(self) -> None:
        self._paused = True
        self._wait(SEND_TIMEOUT)

    def resume_writing(self) -> None:
        self._paused = False
        self._wait(IDLE_TIMEOUT)
        if self._closing:
            self._transport.close()
        elif self._answering is not None:
            self._send()
        else:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._answering is not None:
            self._count(self._answering, self._at)
            self._answering, self._body = None, _NOTHING
        self._held = b""
        self._wait_not()
        self._forget()
        self._shared.lobby.leave(self._transport)

    # --- what the server calls -------------------------------------------------------------------

    def stop(self) -> None:
        """Answer what is under way and close; at once if nothing is."""
        self._last = True
        self._wait_not()
        if not self._busy:
            self._close()

    def back(self, rest: bytes) -> None:
        """hypercorn has answered; ``rest`` was read by it and is not."""
        if not self._closing:
            self._away = False
            self._held = rest + self._held
            self._listen()
            self._go_on()

    # --- requests --------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return (
            self._away
            or self._paused
            or self._resting
            or self._answering is not None
            or self._waiting is not None
        )

    def _listen(self) -> None:
        """This connection is ours, and all that was written has been taken."""
        # Told of every byte the kernel did not take: then nothing is written behind it.
        self._transport.set_write_buffer_limits(1, 0)
        self._shared.fronts.add(self)
        self._paused = self._transport.get_write_buffer_size() > 0  # of hypercorn's; resume_writing will come
        self._wait(SEND_TIMEOUT if self._paused else IDLE_TIMEOUT)

    def _go_on(self) -> None:
        """Behind an answer, a turn of others, or hypercorn."""
        self._resting = False
        if self._closing or self._busy:
            return
        self._transport.resume_reading()
        if self._held:
            self._read()
        elif self._last or self._ended:
            self._close()

    def _read(self) -> None:
        """Answer the whole requests that are there."""
        data, at = self._held, 0
        self._held = b""
        for _ in range(TURN):
            end = data.find(b"\r\n\r\n", at) + 4
            if end < 4:
                self._wait_for_more(data[at:] if at else data)
                return
            head = data[at:end] if at or end < len(data) else data
            answer, close = None, False
            request = parse_head(head) if len(head) <= MAX_HEAD else None
            if request is not None:
                answer, close = self._decide(request), request.close
            if answer is None:
                self._pass_on(request, data[at:] if at else data)
                return
            if isinstance(answer, Wait):
                self._held = data[at:] if at else data
                self._hold(answer)
                return
            at = end
            self._last = self._last or close
            self._answer(answer, request is not None and request.method == "HEAD")
            if self._closing:
                return
            if self._paused or self._answering is not None:
                self._held = data[at:]
                return
            if at == len(data):
                if self._ended:
                    self._close()
                return
        self._held = data[at:]
        self._rest()

    def _rest(self) -> None:
        self._resting = True
        self._loop.call_soon(self._go_on)

    def _wait_for_more(self, data: bytes) -> None:
        if len(data) > MAX_HEAD or ended(data):
            self._pass_on(None, data)  # h11 says what is wrong with it, if anything is
        elif self._ended:
            self._close()  # it will never be whole
        else:
            self._held = data

    def _decide(self, request: Head) -> Answer | Wait | None:
        """``None``: not for here."""
        hot = self._shared.hot
        if hot is None or "upgrade" in request.headers:
            return None
        verdict, self._verdict = self._verdict, None
        method, path, headers, _, query = request
        return hot.at_once(method, path, self._scheme, headers, query, verdict)

    # --- blocking reloads ------------------------------------------------------------------------

    def _hold(self, wait: Wait) -> None:
        hot = self._shared.hot
        assert hot is not None
        self._waiting = wait
        hot.media.waiting.hold(wait, self._woken)
        self._wait(wait.seconds)

    def _woken(self, wait: Wait, verdict: Verdict) -> None:
        if wait != self._waiting:
            return  # it was given up meanwhile
        self._waiting, self._verdict = None, verdict
        self._wait(IDLE_TIMEOUT)
        self._transport.resume_reading()
        self._read()

    def _wait_not(self) -> None:
        wait, self._waiting = self._waiting, None
        if wait is not None and self._shared.hot is not None:
            self._shared.hot.media.waiting.drop(wait, self._woken)

    def _pass_on(self, request: Head | None, data: bytes) -> None:
        """``data``: everything from the first request on that is not ours."""
        shared, transport = self._shared, self._transport
        self._away = True
        self._forget()
        transport.set_write_buffer_limits()
        transport.resume_reading()
        announces = request is not None and request.path == "/announce" and wants_websocket(request)
        if announces and shared.adopt is not None and not self._ended:
            shared.lobby.lend(transport)
            try:
                shared.adopt(transport, data)
            except Exception:
                log.exception("a WebSocket could not be taken over")
                transport.abort()
        else:
            shared.cold(self, transport, data, self._ended)

    # --- answers ---------------------------------------------------------------------------------

    def _answer(self, answer: Answer, bare: bool) -> None:
        """``bare``: without its body, as for HEAD."""
        self._answered += 1
        self._last = self._last or self._answered >= MAX_REQUESTS
        self._due = self._loop.time() + IDLE_TIMEOUT
        head = self._shared.heads.head(answer, self._last)
        body = b"" if bare or answer.status in BODILESS else answer.held
        assert body is not None
        if len(body) <= SMALL:
            self._write(answer, head + body, len(body))
        else:
            self._answering, self._body, self._at = answer, memoryview(body), 0
            self._transport.write(head)
            if not self._paused:
                self._send()

    def _write(self, answer: Answer, data: bytes, length: int) -> None:
        self._transport.write(data)
        self._count(answer, length)
        if self._last:
            self._close()

    def _send(self) -> None:
        """As much of the body as is taken now."""
        answer, body = self._answering, self._body
        assert answer is not None
        while self._at < len(body):
            if self._paused or self._transport.is_closing():
                return
            part = body[self._at : self._at + CHUNK]
            self._at += len(part)
            self._transport.write(part)
        self._answering, self._body = None, _NOTHING
        self._count(answer, len(body))
        if self._last:
            self._close()
            return
        self._wait(SEND_TIMEOUT if self._paused else IDLE_TIMEOUT)
        if not self._paused and (self._held or self._ended):
            self._rest()  # we may be within a call of _read's

    def _count(self, answer: Answer, sent: int) -> None:
        hot = self._shared.hot
        assert hot is not None
        hot.counters.responded(answer.kind, answer.status, sent)

    # --- time ------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Once what was written has been taken."""
        self._closing = True
        if self._paused:
            self._wait(CLOSE_TIMEOUT)
        else:
            self._transport.close()

    def _overdue(self) -> None:
        if (wait := self._waiting) is not None:
            assert self._shared.hot is not None
            self._shared.hot.media.waiting.drop(wait, self._woken)
            self._woken(wait, Verdict.LATE)
        elif self._paused or self._closing:
            # Too late for another status: only a broken connection says that the body is not whole.
            log.debug("cut off: its reader is too slow")
            self._transport.abort()
        else:
            self._close()

    def _forget(self) -> None:
        """Not ours any more."""
        self._shared.fronts.discard(self)
        self._wait_no_more()
