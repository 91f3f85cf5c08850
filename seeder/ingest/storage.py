"""The files of one variant: their names, atomic writing, and what an earlier process left behind.

Names are ``<birth>-<MSN>.m4s`` and ``<birth>-init-<n>.mp4``. ``birth`` is the Unix time at which the packager
started, in hex: no name is used twice, even when somebody empties the folder, and every URI stays immutable.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import IngestError, PlaylistError
from seeder.ingest.playlist import MediaPlaylist, parse

try:
    import fcntl
except ImportError:  # Windows has no flock; there two ingests of one stream are the operator's mistake
    fcntl = None  # type: ignore[assignment]

PLAYLIST = "index.m3u8"
MASTER = "master.m3u8"
SEGMENT_NAME = re.compile(r"([0-9a-f]{8,})-(\d{8,})\.m4s")
INIT_NAME = re.compile(r"([0-9a-f]{8,})-init-(\d+)\.mp4")

log = logging.getLogger(__name__)


def segment_name(birth: int, msn: int) -> str:
    return f"{birth:08x}-{msn:08d}.m4s"


def init_name(birth: int, number: int) -> str:
    return f"{birth:08x}-init-{number}.mp4"


def write_atomically(path: Path, data: bytes) -> None:
    """All of ``data`` or nothing appears at ``path``; raises :class:`OSError`.

    No fsync: after a power failure the playlist is read critically, and nobody watches the lost seconds.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # somebody may have removed the folder under us
        with temporary.open("wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where to go on."""

    playlist: MediaPlaylist | None
    """None for a new stream, and for one whose Target Duration could not be read."""
    msn: int
    """Of the next segment."""
    init_number: int
    """Of the next init section; larger than any discontinuity sequence number so far."""
    birth: int
    """The youngest on disk, -1 when there is none."""
    unlisted: tuple[Path, ...]
    """Files of ours that no playlist lists."""
    damaged: bool = False
    """The playlist could not be read; its segments are given up."""


def recover(folder: Path) -> Recovered:
    """What ``folder`` holds. The playlist is the truth; a damaged one is replaced by the highest numbers
    among the file names. Raises :class:`IngestError` when the playlist is somebody else's, :class:`OSError`
    when the folder cannot be read."""
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
    segments = [match for name in names if (match := SEGMENT_NAME.fullmatch(name))]
    inits = [match for name in names if (match := INIT_NAME.fullmatch(name))]
    msn = max((int(match[2]) + 1 for match in segments), default=0)
    init_number = max((int(match[2]) + 1 for match in inits), default=0)
    birth = max((int(match[1], 16) for match in (*segments, *inits)), default=-1)
    playlist, damaged = _read(folder / PLAYLIST)
    if playlist is not None and damaged:
        playlist = MediaPlaylist(playlist.target_duration, msn, init_number)
    elif playlist is not None:
        present = set(names)
        for count in range(len(playlist.entries), 0, -1):
            entry = playlist.entries[count - 1]
            if entry.uri not in present or entry.init not in present:
                log.warning("%s: listed segment %s is gone; going on after it", folder, entry.uri)
                playlist = playlist.without(count)
                break
        msn, init_number = playlist.next_msn, max(init_number, playlist.discontinuity_sequence + 1)
    listed = {name for entry in playlist.entries for name in (entry.uri, entry.init)} if playlist else set()
    ours = [match.string for match in (*segments, *inits)]
    unlisted = tuple(folder / name for name in ours if name not in listed)
    for name in names:
        if name.startswith(".") and name.endswith(".tmp") and _is_ours(name[1:-4]):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
    return Recovered(playlist, msn, init_number, birth, unlisted, damaged)


def _is_ours(name: str) -> bool:
    return name in (PLAYLIST, MASTER) or bool(SEGMENT_NAME.fullmatch(name) or INIT_NAME.fullmatch(name))


def _read(path: Path) -> tuple[MediaPlaylist | None, bool]:
    """The playlist and whether it is damaged; of a damaged one only the Target Duration is kept."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None, False
    uris = [line for line in text.splitlines() if line and not line.startswith("#")]
    if text.startswith("#EXTM3U") and uris and not any(SEGMENT_NAME.fullmatch(uri) for uri in uris):
        raise IngestError(f"{path} was written by another program: choose another stream name or remove it")
    try:
        playlist = parse(text)
        for entry in playlist.entries:
            if not SEGMENT_NAME.fullmatch(entry.uri) or not INIT_NAME.fullmatch(entry.init):
                raise PlaylistError(f"lists {entry.uri[:80]}, which is not a name of ours")
    except PlaylistError as error:
        log.warning("%s is damaged (%s); going on from the highest file number", path, error)
        target = re.search(r"^#EXT-X-TARGETDURATION:(\d{1,4})$", text, re.MULTILINE)
        return (MediaPlaylist(int(target[1])) if target else None), True
    return playlist, False


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process writes a variant; the lock is gone with its holder."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IngestError(f"{folder} is being written by another live-torrent: stop it first") from None
        except OSError as error:  # a network file system without locks
            log.warning("%s cannot be locked (%s)", folder, error)
        yield
    finally:
        os.close(handle)
