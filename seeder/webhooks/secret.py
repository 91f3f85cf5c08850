"""What webhooks are signed with: one line of base64, or several while one takes another's place."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from seeder.errors import ConfigError

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes, as the Standard Webhooks specification has it."""
SECRETS = 4
LARGEST = 4096
"""Bytes of the file: what is larger is another."""


def read_secrets(file: Path) -> tuple[bytes, ...]:
    """Blocking. Raises :class:`ConfigError`, without a word of what is in it."""
    where = f"--webhook-secret-file: {file}"
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST).decode("ascii")
    except OSError as error:
        raise ConfigError(f"{where}: cannot read it: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: is not text") from None
    found = []
    for line in (line.strip() for line in text.splitlines() if line.strip()):
        try:
            secret = base64.b64decode(line.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            secret = b""
        if not LEAST <= len(secret) <= MOST:
            raise ConfigError(
                f"{where}: {LEAST} to {MOST} bytes in base64 are needed, one secret a line: "
                "openssl rand -base64 32 makes one"
            )
        found.append(secret)
    if not 1 <= len(found) <= SECRETS:
        raise ConfigError(f"{where}: one secret is needed, or up to {SECRETS}, one a line")
    return tuple(found)
