"""What a place is told, and by what it knows that it comes from us. Pure.

POST URL
webhook-id: msg_…                       the same at each attempt: who was told twice can see that
webhook-timestamp: 1700000000           Unix seconds of this attempt
webhook-signature: v1,BASE64[ v1,…]     HMAC-SHA256 of "ID.TIMESTAMP.BODY", one for each secret

{"type": "stream.live", "timestamp": "2026-01-02T03:04:05.678Z", "data": {"name": "garden"}}
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import orjson

from seeder.events import Event

LONGEST = 2000
"""Characters of a text that is told: a reason is a line, whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    place: str
    kind: str
    stream: str
    """Whose lane it is in: the stream's, of a recording too."""
    body: str
    """JSON, byte for byte what is signed."""
    created: float
    """Unix seconds, as of ``due``."""
    attempts: int = 0
    """Made so far, all in vain."""
    due: float = 0.0
    """Not before then."""

    @property
    def key(self) -> tuple[str, str]:
        """No other message has it: the id is that of what happened, for all who are told."""
        return self.place, self.id


def place_of(url: str) -> str:
    return sha256(url.encode()).hexdigest()[:24]


def told(event: Event) -> str:
    """The body for ``event``."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in event.data.items()}
    return orjson.dumps({"type": event.kind, "timestamp": at, "data": data}).decode()


def lane(event: Event) -> str:
    """A recording's events follow those of the stream it is of."""
    return str(event.data.get("of") or event.data.get("name") or "")


def headers(message: Message, secrets: Sequence[bytes], now: float) -> Mapping[str, str]:
    stamp = str(int(now))
    return {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(sign(secret, message.id, stamp, message.body) for secret in secrets),
    }


def sign(secret: bytes, ident: str, stamp: str, body: str) -> str:
    signed = hmac.digest(secret, f"{ident}.{stamp}.{body}".encode(), "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"
