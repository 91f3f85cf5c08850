"""Whom an SRT caller says it is. Pure.

KEY                             a stream key is enough: it knows its stream
#!::r=NAME,s=KEY,m=publish      as libsrt's Access Control Guidelines have it; ``u`` is not looked at
publish:NAME:KEY                as other servers have it; ``/`` will do in place of ``:``
NAME, #!::r=NAME, publish:NAME  … with the key as the passphrase
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from seeder.publish.claim import RefusedError


@dataclass(frozen=True, slots=True)
class Wanted:
    stream: str | None
    key: str = field(repr=False)
    """Empty when it gave none."""

    @property
    def encrypted(self) -> str:
        """The stream, for a caller with a passphrase: what stands alone is a name then."""
        return self.stream if self.stream is not None else self.key


def read(text: str) -> Wanted:
    """Raises :class:`RefusedError` for who wants something else than to publish."""
    if text.startswith("#!::"):
        values = dict(part.partition("=")[::2] for part in text[4:].split(","))
        _check(values.get("m", "publish"))
        return Wanted(values.get("r") or None, values.get("s", ""))
    match = re.fullmatch(r"([a-z]+)([:/])([^:/]+)(?:\2(.*))?", text)
    if match is not None:
        _check(match[1])
        return Wanted(match[3], match[4] or "")
    return Wanted(None, text)


def _check(mode: str) -> None:
    if mode != "publish":
        raise RefusedError("streams are only published here: watch them over HTTP", 405)
