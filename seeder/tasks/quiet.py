"""A program that stays behind what is live, and does not outlive us."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import lru_cache

_WRAPPERS: tuple[tuple[str, ...], ...] = (
    # Killed with us (Linux): after a crash nothing writes into a folder that somebody else has by then.
    ("setpriv", "--pdeathsig", "KILL"),
    ("nice", "-n", "15"),
    # The last of those who wait for the disk, but never without any of it.
    ("ionice", "-c", "2", "-n", "7", "-t"),
)
"""util-linux and coreutils; what is not there is done without."""


def quietly(program: str, arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A program and its arguments that become ``program`` with ``arguments``, at low priority. Blocking, a
    little."""
    whole = (*_prefix(), program, *arguments)
    return whole[0], whole[1:]


@lru_cache(1)
def _prefix() -> tuple[str, ...]:
    found: list[str] = []
    for wrapper in _WRAPPERS:
        if (path := shutil.which(wrapper[0])) is not None:
            found += [path, *wrapper[1:]]
    return tuple(found)
