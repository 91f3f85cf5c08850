"""Who wants to publish, out of an ANNOUNCE. Pure.

rtsp://HOST:8554/live/KEY               the key alone says which stream
rtsp://HOST:8554/NAME?key=KEY           … and it must be for this one
rtsp://user:KEY@HOST:8554/NAME          the same; tools send it as Basic once they were asked
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, unquote, urlsplit

from seeder.publish.claim import Claim
from seeder.publish.rtsp.message import Request

CHALLENGE = {"WWW-Authenticate": 'Basic realm="live-torrent"'}


def claim(announce: Request, address: str) -> Claim:
    """``address``: the publisher's."""
    try:
        url = urlsplit(announce.url)
    except ValueError:
        return Claim("rtsp", address, "")
    last = unquote(url.path.rstrip("/").rpartition("/")[2])
    password = _password(announce.headers.get("authorization", ""))
    if key := password or parse_qs(url.query).get("key", [""])[-1]:
        return Claim("rtsp", address, key, last or None)
    return Claim("rtsp", address, last)


def _password(authorization: str) -> str:
    """Of RFC 7617's Basic; empty for none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
