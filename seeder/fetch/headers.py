"""Header fields as given on the command line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from seeder.errors import ConfigError
from seeder.logs import mask


def read_headers(lines: Sequence[str]) -> dict[str, str]:
    """``NAME: VALUE`` → name → value; ConfigError for what is none."""
    found = {}
    for text in lines:
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        token = name and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name)
        if not colon or not token or any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise ConfigError(f"--header: 'NAME: VALUE' is needed, not {mask(text)!r}")
        found[name] = value
    return found
