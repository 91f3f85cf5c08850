"""Where viewers reach us, told from a request; pure.

The answer is written into manifests, so it must not be made of whatever a stranger sends: a Host is
checked for its form, and a proxy's headers count only when the operator says that there is one. (A
cache in front of us would else keep a manifest that sends everyone to a stranger's tracker.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seeder.model import Addresses, Terms

_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)
"""RFC 3986 §3.2.2 without user information and percent-encoding, at most 253 characters (RFC 1035)."""
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the operator said."""

    public_url: str | None = None
    """``http(s)://host[:port][/prefix]`` without a trailing slash; ``None``: follow the request."""
    tracker: str | None = None
    """``ws(s)://…`` of an external tracker; ``None``: ours."""
    ice: tuple[str, ...] = ()
    """``stun:host[:port]``, validated."""
    trust_proxy: bool = False
    """X-Forwarded-Proto, -Host and -Prefix are set by a proxy of ours."""
    terms: Terms = field(default_factory=Terms)
    stored: Callable[[str], str] = lambda stream: ""
    """URL of a copy of that stream's folder in the operator's storage; empty: there is none."""


def addresses(reach: Reach, scheme: str, headers: Mapping[str, str], stream: str = "") -> Addresses | None:
    """The addresses to give to who sent this request, or ``None`` when its Host cannot be one (400).

    ``scheme``: http or https as the request came in; ``headers``: by lower-case name; ``stream``: the one
    that it is for.
    """
    if reach.public_url is not None:
        base = reach.public_url
    else:
        found = _request_base(reach, scheme, headers)
        if found is None:
            return None
        base = found
    # http→ws, https→wss
    tracker = reach.tracker or f"ws{base.removeprefix('http')}/announce"
    return Addresses(base, tracker, reach.ice, reach.terms, reach.stored(stream))


def _request_base(reach: Reach, scheme: str, headers: Mapping[str, str]) -> str | None:
    host, prefix = headers.get("host", ""), ""
    if reach.trust_proxy:
        host = _first(headers.get("x-forwarded-host", "")) or host
        prefix = _first(headers.get("x-forwarded-prefix", "")).rstrip("/")
        forwarded = _first(headers.get("x-forwarded-proto", "")).lower()
        scheme = forwarded if forwarded in ("http", "https") else scheme
    if not _HOST.fullmatch(host) or not _PREFIX.fullmatch(prefix):
        return None
    return f"{scheme}://{host.lower()}{prefix}"


def _first(value: str) -> str:
    """A list grows to the right with each proxy; what the viewer's browser saw stands first."""
    return value.partition(",")[0].strip()
