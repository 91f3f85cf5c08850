"""One publisher's connection: ICE lite, DTLS, SRTP; its media into a supply."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from seeder.ingest.supply import Supply
from seeder.publish.claim import RefusedError
from seeder.publish.whip import stun
from seeder.publish.whip.answer import Local, Track
from seeder.publish.whip.carrier import Carrier, Chunk
from seeder.publish.whip.offer import Offer
from seeder.publish.whip.packets import is_rtcp
from seeder.publish.whip.secure import Identity, Secure, UnprovenError

HANDSHAKE = 15.0
"""Seconds until DTLS is done, from the answer on."""
CONSENT = 12.0
"""Seconds without a word of the publisher after which it is gone. Its ICE agent asks every few (RFC 7675)."""
MEDIA = 15.0
"""Seconds from there to the first media: somebody may still have to allow the camera."""
TICK = 0.05
"""Seconds between two looks at what is missing."""
MOST_WAITING = 8 << 20
"""Bytes on their way to the supply, should ffmpeg not take them: ten seconds at 6 Mbit/s. Then some are
lost."""

log = logging.getLogger(__name__)

Address = tuple[str, int]
Send = Callable[[bytes, Address], None]


class Peer:
    """Made when an offer was accepted; fed by :class:`~seeder.publish.whip.port.Port`."""

    def __init__(
        self,
        identity: Identity,
        offer: Offer,
        tracks: tuple[Track, ...],
        send: Send,
        *,
        refresh: float,
    ) -> None:
        self._secure = Secure(identity, offer.fingerprints, offer.passive)
        self._carrier = Carrier(tracks, secrets.randbits(32), refresh)
        self._send = send
        self._address: Address | None = None
        self._begun = False
        self._heard = asyncio.get_running_loop().time()
        self._waiting: list[Chunk] = []
        self._bytes = 0
        self._lost = False
        self._changed = asyncio.Event()
        self._over: RefusedError | None = None
        self._left = False

    # --- datagrams -------------------------------------------------------------------------------

    def asked(self, request: stun.Request, local: Local, seen: Address, address: Address, now: float) -> bool:
        """A binding request for ``local`` from ``address``, which its sender would call ``seen``. False: it
        does not know our password."""
        if self._left or not stun.proven(request, local.password):
            return False
        self._heard = now
        self._send(stun.answer(request, local.password, seen), address)
        # The last one named is the one that counts, so that a publisher may change its network.
        if request.nominates or self._address is None:
            self._address = address
        if self._secure.client and not self._begun:
            self._begun = True
            self._handshake(None)
        return True

    def received(self, data: bytes, now: float) -> None:
        """DTLS, SRTP or SRTCP from an address that has proven itself."""
        if self._left:
            return
        first = data[0]
        if 20 <= first <= 63:  # RFC 7983
            self._begun = True
            self._handshake(data)
        elif 128 <= first <= 191 and self._secure.ready:
            if is_rtcp(data):
                if (plain := self._secure.control(data)) is not None:
                    self._heard = now
                    self._carrier.control(plain, now)
                    if self._carrier.left:
                        self.leave()
            elif (plain := self._secure.media(data)) is not None:
                self._heard = now
                self._queue(self._carrier.media(plain, now))

    def leave(self, error: RefusedError | None = None) -> None:
        """It is over; idempotent. ``error``: not as the publisher wished."""
        if not self._left:
            self._left, self._over = True, error
            self._changed.set()

    def close(self) -> None:
        """Say goodbye: the publisher sees DTLS end, and its ICE agent gets no more answers."""
        self.leave()
        with suppress(UnprovenError):
            self._write(self._secure.close())

    # --- the session's coroutines ----------------------------------------------------------------

    async def connected(self) -> None:
        """Returns when DTLS is done. Raises :class:`RefusedError`."""
        try:
            async with asyncio.timeout(HANDSHAKE):
                while not (self._secure.ready or self._left):
                    await self._moment(self._secure.patience if self._begun else None)
                    if self._begun and self._secure.patience == 0:
                        self._write(self._secure.again())
        except TimeoutError:
            what = "its datagrams do not reach us" if self._address is None else "DTLS was not completed"
            raise RefusedError(f"no connection within {HANDSHAKE:g} s: {what}", 408) from None
        except UnprovenError as error:
            raise RefusedError(str(error), 403) from None
        self._check()

    async def begun(self) -> bytes:
        """Returns when there is something for ffmpeg: the head. Raises :class:`RefusedError`."""
        try:
            async with asyncio.timeout(MEDIA):
                while not self._carrier.head and not self._left:
                    await self._moment(TICK)
                    self._tick()
        except TimeoutError:
            raise RefusedError(f"no media within {MEDIA:g} s", 408) from None
        self._check()
        return self._carrier.head

    async def reading(self, supply: Supply) -> None:
        """Fill ``supply`` until the publisher leaves; :class:`RefusedError` when it has vanished."""
        clock = asyncio.get_running_loop().time
        ticked = 0.0
        while not self._left:
            await self._moment(TICK)
            if (now := clock()) - ticked >= TICK:
                ticked = now
                self._tick()
                if now - self._heard > CONSENT:
                    raise RefusedError(f"the publisher has not been heard of for {CONSENT:g} s", 408)
            await self._pass_on(supply)
        await self._pass_on(supply)
        self._check()

    def refresh(self, takes: bool = True) -> None:
        """A new ffmpeg begins: it needs a key frame."""
        self._carrier.refresh()

    async def _pass_on(self, supply: Supply) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        supply.head = self._carrier.head
        for data, entry in waiting:
            await supply.write(data, entry)

    async def _moment(self, seconds: float | None) -> None:
        """Until something has happened, or ``seconds`` have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def _check(self) -> None:
        if self._left:
            if self._over is not None:
                raise self._over
            if not self._carrier.head:
                raise RefusedError("the publisher left before any media came", 408)

    def _tick(self) -> None:
        chunks, control = self._carrier.tick(asyncio.get_running_loop().time())
        self._queue(chunks)
        if self._secure.ready and self._address is not None:
            for one in control:
                self._send(self._secure.sealed(one), self._address)

    def _queue(self, chunks: list[Chunk]) -> None:
        for data, entry in chunks:
            # Behind a loss only what a decoder can begin with.
            self._lost = not entry if self._lost else self._bytes > MOST_WAITING
            if not self._lost:
                self._waiting.append((data, entry))
                self._bytes += len(data)
        if chunks:
            self._changed.set()

    def _handshake(self, data: bytes | None) -> None:
        try:
            self._write(self._secure.receive(data))
        except UnprovenError as error:
            self.leave(RefusedError(str(error), 403))
            return
        if self._secure.closed:
            self.leave()
        self._changed.set()

    def _write(self, datagrams: list[bytes]) -> None:
        if self._address is not None:
            for one in datagrams:
                self._send(one, self._address)
