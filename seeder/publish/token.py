"""The admin's token: who shows it may manage keys and publishers over HTTP."""

from __future__ import annotations

import logging
import os
import secrets
import string
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from seeder import machine
from seeder.config import ADMIN_TOKEN_VARIABLE
from seeder.errors import ConfigError

NAME = "admin.token"
PREFIX = "lta_"
LEAST = 16
"""Characters of a token that an operator chose: fewer could be tried out."""
MOST = 1024
"""Characters: a file that is longer is another."""

log = logging.getLogger(__name__)


def admin_token(file: Path | None, environ: MutableMapping[str, str]) -> str | None:
    """The variable's, else ``file``'s, else that of a file in the state folder, which the first run makes.

    The variable is taken out of ``environ``: every ffmpeg would inherit it. None: there is nowhere to keep
    one. Raises :class:`ConfigError` for a token that cannot be one.
    """
    given = environ.pop(ADMIN_TOKEN_VARIABLE, "")
    if given:
        return _checked(given, ADMIN_TOKEN_VARIABLE)
    if file is not None:
        return _checked(_read(file), f"--admin-token-file: {file}")
    folder = machine.state_folder()
    if folder is None:
        log.info("there is no admin token, for this user has no home: --admin-token-file names one")
        return None
    path = folder / NAME
    made = False
    with suppress(FileExistsError):
        made = _make(path)
    if made:
        log.info("the admin token for the API was made: %s", path)
    return _checked(_read(path), str(path))


def _make(path: Path) -> bool:
    """Whole or not at all, for two servers may start at once. FileExistsError: there is one."""
    if path.exists():
        return False
    token = PREFIX + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{token}\n")
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise ConfigError(f"cannot write the admin token to {path}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    return True


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
        return data.decode("ascii")
    except OSError as error:
        raise ConfigError(f"cannot read the admin token in {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} must hold one line, the admin token alone") from None


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if not LEAST <= len(token) <= MOST or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"{where}: one line of {LEAST} or more characters without spaces is needed")
    return token
