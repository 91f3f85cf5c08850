"""What is said over the WebSocket besides the media; docs/publishing.md has it for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

MOST = 16 * 1024
"""Characters of a message: a JWT is the longest thing in one."""


@dataclass(frozen=True, slots=True)
class Start:
    """A recorder begins."""

    key: str = field(default="", repr=False)
    resume: str = field(default="", repr=False)
    """What the last ``ready`` gave, of who lost its connection."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The recorder has ended, and all of its bytes are here."""


def parse(text: str) -> Start | Stop | None:
    """None: it is none of these."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    if found.get("type") == "stop":
        return Stop()
    if found.get("type") != "start":
        return None
    # ``mime`` is for people who look at it on the way: what comes shows what it is.
    texts = [found.get(name) or "" for name in ("key", "resume", "mime")]
    return Start(texts[0], texts[1]) if all(isinstance(text, str) for text in texts) else None


def ready(stream: str, resume: str) -> str:
    return _said("ready", stream=stream, resume=resume)


def live() -> str:
    return _said("live")


def state(state: str, mode: str, received: int, held: int, segments: int, viewers: int) -> str:
    return _said(
        "state", state=state, mode=mode, received=received, held=held, segments=segments, viewers=viewers
    )


def ended(segments: int) -> str:
    return _said("ended", segments=segments)


def error(status: int, message: str) -> str:
    return _said("error", status=status, message=message)


def _said(kind: str, **members: object) -> str:
    return orjson.dumps({"type": kind, **members}).decode()
