"""The front: one UDP port, of which each publisher that the desk lets in is led to a private end."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from seeder.errors import IngestError
from seeder.ingest.binary import Binary, find
from seeder.ingest.supply import Supply
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.datagrams import Address, Datagrams
from seeder.publish.desk import Desk
from seeder.publish.place import Place
from seeder.publish.srt import handshake, passphrase, private, streamid
from seeder.publish.srt.handshake import CONCLUSION, INDUCTION, MINUTE, Handshake

MOST = 128
"""Conversations at once: twice the publishers that a desk takes."""
MOST_PER_ADDRESS = 16
MOST_CLAIMS = 8
"""Conclusions a second from one address that the desk is asked about; each costs a look at every key."""
MOST_INDUCTIONS = 64
"""… and inductions that are answered."""
MOST_KNOWN = 4096
"""Addresses counted within a second. A flood from more has made them up, which no count stops."""
ASK_AGAIN = 0.05
"""Seconds after which a private end that is not there yet is asked again."""
SILENT = 1.5
"""Seconds; SRT says something once a second. A publisher that says nothing and comes back has died."""
PATIENCE = 1.0
"""Seconds that a caller can wait for another publisher to go. libsrt gives a connection up after three, and
the rest goes into ending the other one and starting the private end."""
GIVEN_UP = 0.75
"""Seconds without a word from a caller that waits, who asks four times a second; less than it waits."""
BAD_SECRET, VERSION_TOO_OLD = 10, 8
APPLICATION = 1000
"""libsrt's reject reasons from here on are an application's; the first thousand of them are HTTP's."""

log = logging.getLogger(__name__)


class _RejectedError(RefusedError):
    """With a reason of libsrt's own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, 401)
        self.code = code


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    front = _Front(desk, place)
    async with Datagrams.bound("SRT", place.host, place.port, front.heard) as port:
        front.port = port
        try:
            yield port.number
        finally:
            await front.close()


class _Front:
    port: Datagrams

    def __init__(self, desk: Desk, place: Place) -> None:
        self._desk = desk
        self._place = place
        self._secret = secrets.token_bytes(32)
        self._conversations: dict[Address, _Conversation] = {}
        self._second = 0
        self._asked: Counter[tuple[str, int]] = Counter()  # by address and kind, within that second
        self._binary: Binary | None = None

    def heard(self, data: bytes, address: Address) -> None:
        """Anything, from anybody."""
        talk = self._conversations.get(address)
        shake = handshake.read(data)
        if shake is None:
            if talk is not None:
                talk.heard(data)
        elif shake.kind == INDUCTION and shake.to == 0:
            if self._may(address[0], INDUCTION, MOST_INDUCTIONS):
                cookie = handshake.made_cookie(self._secret, address[0], address[1], self._minute())
                self.port.send(handshake.induced(shake, cookie), address)
        elif shake.kind == CONCLUSION and shake.to == 0:
            if talk is not None and talk.asked.socket == shake.socket:
                talk.concluded(data)
            elif self._invited(shake, address) and self._may(address[0], CONCLUSION, MOST_CLAIMS):
                self._begin(shake, data, address, talk)

    def _minute(self) -> int:
        return int(time.monotonic() / MINUTE)

    def _invited(self, shake: Handshake, address: Address) -> bool:
        """It repeats a cookie that we sent there not long ago."""
        minute = self._minute()
        return any(
            shake.cookie == handshake.made_cookie(self._secret, address[0], address[1], at)
            for at in (minute, minute - 1)
        )

    def _may(self, host: str, kind: int, most: int) -> bool:
        if self._second != (second := int(time.monotonic())):
            self._second = second
            self._asked.clear()
        if (host, kind) in self._asked or len(self._asked) < MOST_KNOWN:
            self._asked[host, kind] += 1
        return self._asked[host, kind] <= most

    def _begin(self, shake: Handshake, data: bytes, address: Address, old: _Conversation | None) -> None:
        if old is not None:
            old.end()
        here = sum(1 for talk in self._conversations.values() if talk.address[0] == address[0])
        if len(self._conversations) >= MOST or here >= MOST_PER_ADDRESS:
            self.port.send(handshake.rejection(shake, APPLICATION + 503), address)
            return
        talk = _Conversation(self, shake, data, address)
        self._conversations[address] = talk
        talk.begin()

    async def converse(self, talk: _Conversation) -> None:
        """From the conclusion to the end of the publisher's stream."""
        try:
            claim = self._claim(talk.asked, talk.address[0])
            for other in self._conversations.values():
                if other is not talk and other.is_ghost_of(talk.address[0], claim.key):
                    other.end()
            talk.key = claim.key
            async with self._desk.admit(claim) as session:
                secret = claim.key if talk.encrypted else ""
                async with private.listening(await self._ffmpeg(), secret) as end:
                    await talk.join(end.port)
                    supply = Supply(f"SRT from {talk.address[0]}", "mpegts")

                    async def read() -> None:
                        while media := await end.process.read():
                            await supply.write(media)
                        session.goodbye = talk.goodbye

                    await session.carry(supply, read())
        except RefusedError as error:
            talk.refuse(error.code if isinstance(error, _RejectedError) else APPLICATION + error.status)
        except IngestError as error:
            log.warning("SRT: %s", error)
            talk.refuse(APPLICATION + 500)
        finally:
            talk.leave()
            if self._conversations.get(talk.address) is talk:
                del self._conversations[talk.address]

    def _claim(self, asked: Handshake, host: str) -> Claim:
        """Raises :class:`RefusedError`."""
        if asked.version != handshake.VERSION:
            raise _RejectedError("SRT older than 1.3", VERSION_TOO_OLD)
        wanted = streamid.read(asked.stream_id)
        material = asked.extension(handshake.KEY_MATERIAL)
        if material is None:
            return Claim("srt", host, wanted.key, wanted.stream, PATIENCE)
        # The same work whether or not there is such a stream, so that nobody learns which there are.
        secret = self._place.passphrase(wanted.encrypted)
        if not passphrase.opens(secret or secrets.token_hex(), material) or secret is None:
            log.warning("a publisher over srt from %s is refused: no such stream or passphrase", host)
            raise _RejectedError("no such stream or passphrase", BAD_SECRET)
        return Claim("srt", host, secret, wanted.encrypted, PATIENCE)

    async def _ffmpeg(self) -> Binary:
        if self._binary is None:
            self._binary = await find(self._place.ffmpeg)
        return self._binary

    async def close(self) -> None:
        """Every conversation ends; returns when it has."""
        talks = list(self._conversations.values())
        for talk in talks:
            talk.end()
        await asyncio.gather(*(talk.gone() for talk in talks))


class _Conversation:
    """With one caller."""

    def __init__(self, front: _Front, asked: Handshake, data: bytes, address: Address) -> None:
        self.asked = asked
        self.address = address
        self.encrypted = asked.extension(handshake.KEY_MATERIAL) is not None
        self.key = ""
        """By which it was let in, once it was."""
        self.goodbye = False
        """Its last word was that it closes the connection."""
        self._front = front
        self._conclusion = data
        self._heard = time.monotonic()
        self._end: Datagrams | None = None  # the way to the private end
        self._cookie: int | None = None  # good there
        self._answered: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()  # why not
        self._connected = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._front.converse(self))
        self._watch()

    def _watch(self) -> None:
        """A caller says it four times a second until it is taken. One that has given up takes no stream over,
        and waits for none."""
        if self._connected or self._task is None or self._task.done():
            return
        if time.monotonic() - self._heard > GIVEN_UP:
            self.end()
        asyncio.get_running_loop().call_later(GIVEN_UP / 3, self._watch)

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def gone(self) -> None:
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def is_ghost_of(self, host: str, key: str) -> bool:
        """It says nothing any more, and its publisher comes again."""
        return (
            bool(key)
            and (self.key, self.address[0]) == (key, host)
            and time.monotonic() - self._heard > SILENT
        )

    def heard(self, data: bytes) -> None:
        """From the caller: media, and what else SRT says."""
        self._heard = time.monotonic()
        self.goodbye = handshake.is_shutdown(data)
        if self._end is not None and self._cookie is not None:
            self._end.send(data)

    def concluded(self, data: bytes) -> None:
        """The caller says it again: an answer was lost, or takes long."""
        self._conclusion = data
        self._heard = time.monotonic()
        if self._cookie is not None:
            self.heard(handshake.with_cookie(data, self._cookie))

    async def join(self, port: int) -> None:
        """Returns when the private end has taken the caller; raises :class:`RefusedError` when it did not."""
        self._end = await Datagrams.connected(private.HOST, port, self._from_end)
        try:
            async with asyncio.timeout(private.WAIT):
                while self._cookie is None:
                    self._end.send(handshake.induction(self.asked))
                    await asyncio.sleep(ASK_AGAIN)
                failure = await self._answered
        except TimeoutError:
            raise RefusedError("the publisher did not come", 408) from None
        if failure is not None:
            raise _RejectedError("libsrt did not take the publisher", failure)
        self._connected = True

    def _from_end(self, data: bytes, address: Address) -> None:
        if self._connected:
            self._front.port.send(data, self.address)
            return
        shake = handshake.read(data)
        if shake is not None and shake.kind == INDUCTION:
            if self._cookie is None and self._end is not None:
                self._cookie = shake.cookie
                self._end.send(handshake.with_cookie(self._conclusion, shake.cookie))
            return
        if shake is not None and not self._answered.done():
            self._answered.set_result(shake.failure)
        if shake is None or shake.failure is None:
            self._front.port.send(data, self.address)

    def refuse(self, code: int) -> None:
        if not self._connected:
            self._front.port.send(handshake.rejection(self.asked, code), self.address)

    def leave(self) -> None:
        """The caller is told, whatever became of the private end; a farewell may get lost."""
        if self._connected:
            for _ in range(2):
                self._front.port.send(handshake.shutdown(self.asked.socket), self.address)
        self._connected = False
        if self._end is not None:
            self._end.close()
        if not self._answered.done():
            self._answered.cancel()
