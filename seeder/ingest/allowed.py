"""What inputs may be asked for over the API: those that the operator named, so that a token is no shell.

An entry is a server (``rtsp://camera.local``, ``https://*.example.org:8443``) or a folder. ffmpeg reads much
else (``concat:``, ``lavfi``, devices, ports it listens at): none of that passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, urlsplit

from seeder.ingest.playing import SUFFIXES
from seeder.ingest.sources import classify
from seeder.values import INPUT_SCHEMES

_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")


class NotAllowedError(Exception):
    """Says what is allowed, and nothing of what was asked for."""


def allowed(given: str, entries: Iterable[str]) -> str:
    """The input as ffmpeg may have it; :class:`NotAllowedError` otherwise. Looks at files: blocking."""
    entries = tuple(entries)
    if not entries:
        raise NotAllowedError("no input may be asked for here: the operator names them with --api-input")
    if "\n" in given or _is_list(given):
        raise NotAllowedError("lists of inputs are for the command line and the config file")
    if "://" in given:
        if not _listens(given) and any(_covers(entry, given) for entry in entries if "://" in entry):
            return given
    elif not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", given):
        for entry in entries:
            path = None if "://" in entry else beneath(Path(entry), given)
            if path is not None and not _is_list(path):
                return path
    raise NotAllowedError("this input is not among those that the operator allows (--api-input)")


def _is_list(path: str) -> bool:
    """Of inputs that nobody has looked at."""
    return Path(path).suffix.lower() in SUFFIXES


def beneath(folder: Path, given: str) -> str | None:
    """The file ``given`` (relative to ``folder``, or absolute), if it is in there, symlinks followed."""
    try:
        folder = folder.resolve(strict=True)
        path = (folder / given).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return str(path) if path.is_relative_to(folder) and path.is_file() else None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # may not be a number
    except ValueError:
        return None
    plain = not re.search(r"[\s\x00-\x1f\x7f'\"\\]", url)
    return parts if plain and parts.scheme in INPUT_SCHEMES and parts.hostname else None


def _covers(entry: str, url: str) -> bool:
    """Scheme, host and port are the same: no port is the scheme's own."""
    one, two = _split(entry), _split(url)
    if one is None or two is None or (one.scheme, one.port) != (two.scheme, two.port):
        return False
    # Where it could be read in two ways, by us and by ffmpeg, it is not allowed.
    if two.netloc.count("@") > 1 or two.fragment or (not two.path and "@" in two.query):
        return False
    if not _AUTHORITY.fullmatch(two.netloc.rpartition("@")[2]):
        return False
    host, pattern = str(two.hostname).lower(), str(one.hostname).lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _listens(url: str) -> bool:
    """It waits for somebody to come: a port of ours that nobody asked for."""
    source = classify(url, PurePosixPath("/"))
    return source.listens or re.search(r"[?&](mode|listen|localaddr|local)=", url, re.IGNORECASE) is not None
