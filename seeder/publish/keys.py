"""Stream keys: what is kept of them, and what they open. Pure.

A key is shown once; kept is its SHA-256 alone. A slow hash, as passwords need, would gain nothing: a key is
160 random bits, and nobody tries those out, at whatever price a guess.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from seeder.errors import ConfigError
from seeder.values import stream_name

PREFIX = "lt_"
"""By which scanners for leaked secrets know a key; no character of one needs quoting in a URL, in a shell or
in an encoder's settings."""
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 27
"""Characters behind the prefix: 160 bits; with it a key fits SRT's passphrases (10 to 79 bytes)."""
MAX_KEY = 4096
"""Characters of what may be a key at all: an identity provider's JWT is a few hundred, at most 2,000."""
MOST = 1000
"""Keys in one file: each claim is held against all of them, which takes a millisecond then."""
MAX_LABEL = 80
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_ID = re.compile(r"[a-z0-9]{10}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class UnknownKeyError(ConfigError):
    """No key of this name."""


class SeveralKeysError(ConfigError):
    """A stream of this name has more than one."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of one. Times are Unix seconds."""

    id: str
    """Public: names it in lists, logs and commands."""
    stream: str
    digest: str
    """SHA-256 of the key, in hex."""
    created: int
    label: str = ""
    expires: int | None = None
    used: int | None = None
    """When somebody published with it last, give or take a minute."""
    passphrase: str | None = field(default=None, repr=False)
    """The key itself, for SRT: libsrt encrypts with it and has to know it. Only where that was asked for."""

    def valid(self, now: float) -> bool:
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of a server, in the order they were made."""

    all: tuple[Key, ...] = ()

    def __iter__(self) -> Iterator[Key]:
        return iter(self.all)

    def get(self, ident: str) -> Key | None:
        return next((key for key in self.all if key.id == ident), None)

    def match(self, text: str) -> Key | None:
        """The key that ``text`` is, an expired one too. Takes as long whatever ``text`` is."""
        digest, found = digest_of(text), None
        for key in self.all:
            if hmac.compare_digest(digest, key.digest):
                found = key
        return found

    def passphrase(self, stream: str, now: float) -> str | None:
        """What SRT publishers of ``stream`` encrypt with: its youngest valid key that was made for that."""
        for key in reversed(self.all):
            if key.stream == stream and key.passphrase is not None and key.valid(now):
                return key.passphrase
        return None

    def named(self, name: str) -> Key:
        """The key of this id, or the only one of the stream of this name; raises :class:`ConfigError`."""
        if (key := self.get(name)) is not None:
            return key
        of_stream = [key for key in self.all if key.stream == name]
        if len(of_stream) == 1:
            return of_stream[0]
        if of_stream:
            ids = ", ".join(key.id for key in of_stream)
            raise SeveralKeysError(f"{name} has {len(of_stream)} keys: name one of {ids}")
        raise UnknownKeyError(f"no key has the id {name!r}, and no stream of that name has a key")

    def created(
        self, stream: str, now: float, *, label: str = "", lifetime: int | None = None, srt: bool = False
    ) -> tuple[Keys, Key, str]:
        """With one more, which is given as kept and as shown; raises :class:`ConfigError`. ``lifetime``:
        seconds; ``srt``: keep it in clear, to be SRT's passphrase."""
        try:
            stream = stream_name(stream)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        label = " ".join(label.split())
        if len(label) > MAX_LABEL or not label.isprintable():
            raise ConfigError(f"a label has at most {MAX_LABEL} characters, all of them printable")
        kept = tuple(key for key in self.all if key.valid(now))  # who is shown a new one needs no dead ones
        if len(kept) >= MOST:
            raise ConfigError(f"there are {len(kept)} keys, and no more fit: revoke some")
        shown = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        ident = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(10))
        expires = None if lifetime is None else int(now) + lifetime
        key = Key(
            ident, stream, digest_of(shown), int(now), label, expires, passphrase=shown if srt else None
        )
        return Keys((*kept, key)), key, shown

    def rotated(
        self, name: str, now: float, *, keep: int = 0, lifetime: int | None = None
    ) -> tuple[Keys, Key, str]:
        """With a new key in place of :meth:`named`; the old one is good for another ``keep`` seconds. Without
        ``lifetime`` the new one lives as long as the old one was to."""
        old = self.named(name)
        if lifetime is None and old.expires is not None:
            lifetime = max(1, old.expires - old.created)
        rest = self.revoked(old.id)
        made, key, shown = rest.created(
            old.stream, now, label=old.label, lifetime=lifetime, srt=old.passphrase is not None
        )
        if keep and old.valid(now):
            ends = int(now) + keep if old.expires is None else min(old.expires, int(now) + keep)
            made = Keys((replace(old, expires=ends), *made.all))
        return made, key, shown

    def revoked(self, ident: str) -> Keys:
        """Without it; raises :class:`ConfigError` where there is none of this id."""
        if self.get(ident) is None:
            raise UnknownKeyError(f"no key has the id {ident!r}")
        return Keys(tuple(key for key in self.all if key.id != ident))

    def seen(self, ident: str, now: float) -> Keys:
        """Somebody publishes with it."""
        return Keys(tuple(replace(key, used=int(now)) if key.id == ident else key for key in self.all))


def digest_of(text: str) -> str:
    """What is kept of a key."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def lifetime(text: str) -> int:
    """``30d``, ``12h``, ``90m``: seconds; ``ValueError`` says what would be accepted."""
    match = re.fullmatch(r"(\d{1,9})\s*([smhdw])", text.strip().lower())
    if match is None or not 0 < (seconds := int(match[1]) * _UNITS[match[2]]) <= 3660 * 86400:
        raise ValueError(f"a time such as 30d, 12h or 90m is needed (at most ten years), not {text[:40]!r}")
    return seconds


def dump(keys: Keys) -> str:
    """The file's text."""
    return json.dumps({"version": 1, "keys": [_row(key) for key in keys]}, indent=1) + "\n"


def _row(key: Key) -> dict[str, Any]:
    row: dict[str, Any] = public(key) | {"sha256": key.digest}
    del row["srt"]
    return row if key.passphrase is None else row | {"passphrase": key.passphrase}


def public(key: Key) -> dict[str, Any]:
    """What may be shown of it, at any time, to who manages keys."""
    return {
        "id": key.id,
        "stream": key.stream,
        "label": key.label,
        "created": key.created,
        "expires": key.expires,
        "lastUsed": key.used,
        "srt": key.passphrase is not None,
    }


def parse(text: str) -> Keys:
    """The file's keys; ``ValueError`` says what is wrong with it, without a word of what it holds."""
    try:
        document = json.loads(text)
    except ValueError:
        raise ValueError("it is not JSON") from None
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list) or document.get("version") != 1:
        raise ValueError("it is not a list of keys, version 1")
    keys = tuple(_key(row, number) for number, row in enumerate(rows, 1))
    if len({key.id for key in keys}) < len(keys):
        raise ValueError("two keys have one id")
    return Keys(keys)


def _key(row: object, number: int) -> Key:
    wrong = ValueError(f"entry {number} is no key")
    if not isinstance(row, dict):
        raise wrong
    key = Key(
        id=row.get("id", ""),
        stream=row.get("stream", ""),
        digest=row.get("sha256", ""),
        created=row.get("created", -1),
        label=row.get("label", ""),
        expires=row.get("expires"),
        used=row.get("lastUsed"),
        passphrase=row.get("passphrase"),
    )
    texts = (key.id, key.stream, key.digest, key.label, key.passphrase or "")
    if not all(isinstance(text, str) for text in texts) or not _are_times((key.created,)):
        raise wrong
    if not _are_times(time for time in (key.expires, key.used) if time is not None):
        raise wrong
    if not _ID.fullmatch(key.id) or not _DIGEST.fullmatch(key.digest):
        raise wrong
    try:
        stream_name(key.stream)
    except ValueError:
        raise wrong from None
    if key.passphrase is not None and digest_of(key.passphrase) != key.digest:
        raise wrong
    return key


def _are_times(values: Iterable[object]) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values)
