"""Credentials for TURN servers that end by themselves; pure but for the secret's file.

The scheme of draft-uberti-behave-turn-rest-00, which coturn (``use-auth-secret``) and others speak: user name
and password are made of a secret that tracker and TURN server share, and neither keeps a list. Viewers get
them with the reply to an announce that asks (``"ice": true``), never in a manifest: those are cached.
"""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

from seeder.errors import ConfigError
from seeder.tracker.wire import IceServer

LIFETIME = 6 * 3600
"""Seconds. Each announce brings new ones, so a new link never needs it; but some servers look at the time
again when an allocation is renewed, and a link may last as long as a football match. Whoever copies them has
a relay for as long."""
SLOT = 600
"""The end is a multiple of it, seconds, so that a viewer's stay the same for that long: the TURN server's log
and quotas then count viewers, not announces."""
MAX_SECRET = 4096
"""Bytes: a file that is longer is another."""


class Turn:
    """Lends out the servers at ``urls``; ``clock`` gives Unix time."""

    def __init__(self, urls: tuple[str, ...], secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._urls = urls
        self._secret = secret
        self._clock = clock

    def __call__(self, peer_id: bytes) -> IceServer:
        """For the peer of this id (20 bytes): its last four tell viewers apart on the TURN server."""
        ends = (int(self._clock()) + LIFETIME + SLOT) // SLOT * SLOT
        username = f"{ends}:{peer_id[-4:].hex()}"
        digest = hmac.digest(self._secret, username.encode(), sha1)
        return IceServer(self._urls, username, b64encode(digest).decode())


def read_secret(file: Path) -> bytes:
    """What ``--turn-secret-file`` holds, without the line's end; raises :class:`ConfigError`."""
    try:
        with file.open("rb") as source:
            secret = source.read(MAX_SECRET + 1).strip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"--turn-secret-file: cannot read {file}: {error.strerror or error}") from None
    if not secret or len(secret) > MAX_SECRET or b"\n" in secret:
        raise ConfigError(f"--turn-secret-file: {file} must hold one line, the secret alone")
    return secret
