"""Folders that the command line names: found, made or temporary, else a :class:`FeedError`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seeder.errors import ConfigError, FeedError
from seeder.hls.names import is_playlist, is_safe


def existing(feed: Path) -> Path:
    if not feed.exists():
        raise FeedError(f"the feed folder {feed} does not exist: create it, or name another with --feed")
    if not feed.is_dir():
        raise FeedError(f"the feed {feed} is not a folder: name one with --feed")
    if not os.access(feed, os.R_OK | os.X_OK):
        raise FeedError(f"the feed folder {feed} is not readable by this user: chmod or chown it")
    return feed.resolve()


def made(feed: Path) -> Path:
    """For the commands that write the feed themselves: the folder, created when its parent allows."""
    try:
        feed.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise FeedError(f"the feed {feed} is not a folder: name one with --feed") from None
    except OSError as error:
        raise FeedError(f"cannot create the feed folder {feed}: {error.strerror or error}") from None
    if not os.access(feed, os.R_OK | os.W_OK | os.X_OK):
        raise FeedError(f"the feed folder {feed} is not writable by this user: chmod or chown it")
    return feed.resolve()


@contextlib.contextmanager
def temporary(feed: Path | None) -> Iterator[Path]:
    """The demo's feed: --feed, else a folder of its own that is gone afterwards."""
    if feed is not None:
        yield made(feed)
        return
    try:
        folder = Path(tempfile.mkdtemp(prefix="live-torrent-demo-"))
    except OSError as error:
        raise FeedError(f"cannot create a temporary folder: {error.strerror or error}; use --feed") from None
    try:
        yield folder.resolve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def local(where: str) -> tuple[Path, str | None]:
    """The folder of a path or ``file:`` URL, and the playlist in it that is meant, if one is."""
    scheme, colon, _ = where.partition("://")
    if colon and scheme != "file":
        raise ConfigError(f"HLS comes by http: or https:, not by {scheme}: (live-torrent stream takes that)")
    path = Path(unquote(urlsplit(where).path) if colon else where).expanduser()
    if not path.exists():
        raise FeedError(f"{path} does not exist; a URL begins with http:// or https://")
    if path.is_file() and not (is_playlist(path.name) and is_safe(path.name)):
        raise ConfigError(f"{path} is no playlist (.m3u8, .m3u); live-torrent stream takes other files")
    folder = path.parent if path.is_file() else path
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FeedError(f"{folder} is not readable by this user: chmod or chown it")
    return folder.resolve(), path.name if path.is_file() else None
