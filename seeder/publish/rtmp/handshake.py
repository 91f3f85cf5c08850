"""RTMP's handshake from the server's side (RTMP 1.0 §5.2). Pure.

The plain one. Adobe's with digests was for Flash to play H.264; publishers take a server whose version is 0
as one that does not know it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from seeder.publish.claim import RefusedError

VERSION = 3
SIZE = 1536
"""Bytes of C1, S1, C2 and S2."""


class Handshake:
    """``dice`` gives random bytes."""

    def __init__(self, dice: Callable[[int], bytes] = os.urandom) -> None:
        self._dice = dice
        self._data = bytearray()
        self._answered = False
        self._done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """What to answer, and what came behind the handshake, None while it goes on."""
        assert not self._done
        self._data += data
        if self._data and self._data[0] != VERSION:
            raise RefusedError("this is no RTMP", 400)
        answer = b""
        if not self._answered and len(self._data) > SIZE:
            # S1: a time and a version, both 0, and noise; S2: what was in C1.
            answer = bytes((VERSION,)) + bytes(8) + self._dice(SIZE - 8) + bytes(self._data[1 : SIZE + 1])
            self._answered = True
        # C2 is to repeat S1; some encoders send other things in its place, and it proves nothing.
        if len(self._data) <= 2 * SIZE:
            return answer, None
        self._done = True
        return answer, bytes(self._data[2 * SIZE + 1 :])
