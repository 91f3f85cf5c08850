"""What a publisher named: a key, and perhaps the stream. Pure.

Encoders split an address at the last slash into an app and a name, and each of these is understood:

    rtmp://HOST/live         and the key KEY            rtmp://HOST/live/KEY
    rtmp://HOST/live         and NAME?key=KEY           rtmp://HOST/live/NAME?key=KEY
    rtmp://HOST/live/NAME    and the key KEY            rtmp://HOST/live/NAME/KEY
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

MOST_FIELDS = 32
"""In a query; encoders add some of their own."""


@dataclass(frozen=True, slots=True)
class Wish:
    key: str = field(repr=False)
    stream: str | None = None


def wish(app: str, name: str) -> Wish:
    """``app``: of the connect command; ``name``: of publish. The first part of the app may be anything."""
    app, _, app_query = app.partition("?")
    name, _, query = name.partition("?")
    _, _, inner = app.strip("/").partition("/")
    stream = inner.strip("/") or None
    if key := _key(query) or _key(app_query):
        return Wish(key, name.strip("/") or stream)
    return Wish(name, stream)


def _key(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=MOST_FIELDS).get("key", [""])[0]
    except ValueError:
        return ""
