"""Who we are to the store: from the environment or a file, and nowhere else."""

from __future__ import annotations

import configparser
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from seeder.errors import ConfigError

LARGEST = 16 * 1024
"""Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Credentials:
    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    """Of credentials that end."""


def credentials(file: Path | None, environ: MutableMapping[str, str]) -> Credentials:
    """``file``'s ``[default]``, as ``~/.aws/credentials`` has it; else AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, which are taken out of ``environ``: every ffmpeg would inherit them. Blocking;
    raises :class:`ConfigError`."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    given = [environ.pop(name, "") for name in names]
    if file is not None:
        given = _read(file)
    if not given[0] or not given[1]:
        raise ConfigError(
            "--storage needs credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or "
            "--storage-credentials FILE"
        )
    return Credentials(*given)


def _read(file: Path) -> list[str]:
    where = f"--storage-credentials: {file}"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with file.open(encoding="utf-8") as opened:
            parser.read_string(opened.read(LARGEST))
        found = parser["default"]
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return [found.get(name, "") for name in names]
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or error}") from None
    except (configparser.Error, KeyError, UnicodeDecodeError):
        # Without the parser's words: it repeats the line, which may be a secret.
        raise ConfigError(
            f"{where}: [default], aws_access_key_id = … and aws_secret_access_key = … are needed"
        ) from None
