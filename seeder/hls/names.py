"""A URI in a playlist ⇄ the path under ``/live/<stream>/`` ⇄ its content type."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

PLAYLIST_SUFFIXES = (".m3u8", ".m3u")

MASTER = "master.m3u8"
"""The multivariant playlist's path in every stream."""

RECORDING = "recording.json"
"""In a folder that is a recording (:mod:`seeder.recording.about`)."""

_UNFINISHED = (".tmp", ".part", "~")
"""Ends of writers' temporary files."""

_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")

_CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m3u": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4s": "video/iso.segment",
    ".cmfv": "video/mp4",
    ".cmfa": "audio/mp4",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".ac3": "audio/ac3",
    ".ec3": "audio/eac3",
    ".mp3": "audio/mpeg",
    ".webm": "video/webm",
    ".vtt": "text/vtt; charset=utf-8",
    ".webvtt": "text/vtt; charset=utf-8",
}


_PLAYABLE = re.compile(r"(?:audio|video)/[\w.+-]+|text/vtt|application/(?:mp4|octet-stream)", re.ASCII)


def is_playable(content_type: str) -> bool:
    """Whether another server's Content-Type may be passed on: that of media, never of a page or a script."""
    return _PLAYABLE.fullmatch(content_type) is not None


def content_type(path: str) -> str:
    """The media type of a path by its suffix; octet-stream (a key, say) for the rest."""
    return _CONTENT_TYPES.get(posixpath.splitext(path)[1].lower(), "application/octet-stream")


def is_playlist(path: str) -> bool:
    return path.lower().endswith(PLAYLIST_SUFFIXES)


def hidden(path: str) -> bool:
    """A dotfile or a writer's temporary file: never a stream, a playlist or a segment."""
    parts = path.split("/")
    return any(p.startswith(".") for p in parts) or parts[-1].endswith(_UNFINISHED)


def requested_path(playlist: str, uri: str) -> str | None:
    """The path a player will ask for when it reads ``uri`` in the playlist at path ``playlist``.

    Percent-decoded, relative to the stream. None when it is not one of ours: another origin, an
    absolute path, a path that leaves the stream, a hidden file or bytes that are not UTF-8.
    """
    if (plain := _PLAIN.fullmatch(uri)) is not None and (folder := _folder(playlist)) is not None:
        return None if plain[1].endswith(_UNFINISHED) else folder + plain[1]
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return None
    # Players resolve dot segments before they ask; decoding first would let %2e%2e/ through as a name.
    joined = posixpath.normpath(posixpath.join(quote_path(posixpath.dirname(playlist)), parts.path))
    try:
        path = unquote_to_bytes(joined).decode()
    except UnicodeDecodeError:
        return None
    return path if is_safe(path) else None


_PLAIN = re.compile(
    r"((?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*)(?:\?[!-~]*)?", re.ASCII
)
"""What nearly every writer writes: nothing in it to decode, resolve or refuse. A day's playlist has 43,200 of
them, asked about several times at every update; the long way takes ten times as long."""


@lru_cache(256)
def _folder(playlist: str) -> str | None:
    """What stands before a plain URI of the playlist at that path; ``None``: that takes a closer look."""
    folder = posixpath.dirname(playlist)
    if not folder:
        return ""
    return f"{folder}/" if is_safe(folder) and posixpath.normpath(folder) == folder else None


def is_absolute(uri: str) -> bool:
    """Whether it names its server: somebody else's segment."""
    return uri.startswith(("http://", "https://"))


def literal_path(playlist: str, uri: str) -> str | None:
    """The path with ``uri`` taken as a plain file name, as writers who do not percent-encode mean it."""
    if "://" in uri or uri.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(playlist), uri))
    return path if is_safe(path) else None


def is_safe(path: str) -> bool:
    """A relative POSIX path that stays where it is put and fits a URL, with no hidden file on the way."""
    if not path or path.startswith("/") or not speakable(path):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/")) and not hidden(path)


def speakable(path: str) -> bool:
    """Whether a URL can name it and every player will ask for it by the same path: no control characters,
    no backslash (browsers turn it round), and no bytes that are not UTF-8 (Python's lone surrogates)."""
    return _UNSPEAKABLE.search(path) is None


def quote_path(path: str) -> str:
    """Percent-encoded for a URL path; ``/`` stays. ``:`` does not: ``a:b`` alone would read as a scheme."""
    return quote(path, safe="/!$&'()*+,;=@~-._")


def stream_url(base: str, stream: str, path: str) -> str:
    """The absolute URL of a path of a stream."""
    return f"{base}/live/{quote(stream, safe='')}/{quote_path(path)}"
