"""The files of a stream's variants: their names, atomic writing, and what an earlier process left behind.

Names are ``<birth>-<MSN>.m4s`` and ``<birth>-init-<n>.mp4``, the same in the folder of every variant.
``birth`` is the Unix time at which the packager started, in hex: no name is used twice, even when somebody
empties the folder, and every URI stays immutable.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seeder.errors import IngestError, PlaylistError
from seeder.hls.names import RECORDING
from seeder.ingest.playlist import MediaPlaylist, parse
from seeder.ingest.variants import FOLDER, names_alone, rank

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
    """No playlist could be read; their segments are given up."""
    live: tuple[str, ...] = ()
    """Variants that were made until the end: somebody may be watching them."""
    stale: tuple[str, ...] = ()
    """Variants that were given up before; what they hold is not needed."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """What one variant's folder holds."""

    names: frozenset[str]
    playlist: MediaPlaylist | None
    damaged: bool


def recover(stream: Path, first: str = "v0") -> Recovered:
    """What the folders of ``stream`` hold: ``first`` and those of further variants that we wrote.

    The playlists are the truth, and the newest of them is everybody's: all files of a segment are written
    before any playlist lists it. Damaged ones are replaced by the highest numbers among the file names.
    Raises :class:`IngestError` when ``stream`` or ``first`` holds a playlist of somebody else's,
    :class:`OSError` when a folder cannot be read.
    """
    if (stream / RECORDING).exists():  # else it would delete what it takes for its window's
        raise IngestError(f"{stream.name} is a recording: choose another stream name")
    if (theirs := _theirs(stream, first)) is not None:
        raise _foreign(theirs)
    found = _folders(stream, first)
    matches = [match for name in sorted(found) for match in _ours(found[name].names, SEGMENT_NAME)]
    inits = [match for name in sorted(found) for match in _ours(found[name].names, INIT_NAME)]
    msn = max((int(match[2]) + 1 for match in matches), default=0)
    init_number = max((int(match[2]) + 1 for match in inits), default=0)
    birth = max((int(match[1], 16) for match in (*matches, *inits)), default=-1)
    good = [folder.playlist for folder in found.values() if folder.playlist and not folder.damaged]
    playlist = max(good, key=lambda one: (one.next_msn, -one.msn), default=None)
    live: tuple[str, ...] = tuple(name for name in found if _is_live(found[name], playlist))
    damaged = playlist is None and any(folder.damaged for folder in found.values())
    if playlist is not None:
        playlist = _present(playlist, stream, found)
        msn, init_number = playlist.next_msn, max(init_number, playlist.discontinuity_sequence + 1)
    elif damaged:
        target = next((folder.playlist for folder in found.values() if folder.playlist), None)
        playlist = None if target is None else MediaPlaylist(target.target_duration, msn, init_number)
    listed = {name for entry in playlist.entries for name in (entry.uri, entry.init)} if playlist else set()
    unlisted = tuple(
        stream / folder / match.string
        for folder in sorted(found)
        for pattern in (SEGMENT_NAME, INIT_NAME)
        for match in _ours(found[folder].names, pattern)
        if match.string not in listed
    )
    for folder in found:
        for name in found[folder].names:
            if name.startswith(".") and name.endswith(".tmp") and _is_ours(name[1:-4]):
                with contextlib.suppress(OSError):
                    (stream / folder / name).unlink()
    return Recovered(playlist, msn, init_number, birth, unlisted, damaged, live, _stale(found, live, first))


def _folders(stream: Path, first: str) -> dict[str, _Folder]:
    """By name; others than ``first`` only where the playlist is ours."""
    out: dict[str, _Folder] = {}
    others = {entry.name for entry in os.scandir(stream) if entry.is_dir() and FOLDER.fullmatch(entry.name)}
    for name in sorted({first, *others}, key=rank):
        if name != first and not (stream / name / PLAYLIST).is_file():
            continue
        try:
            playlist, damaged = _read(stream / name / PLAYLIST)
            files = frozenset(
                entry.name for entry in os.scandir(stream / name) if entry.is_file(follow_symlinks=False)
            )
        except IngestError:
            if name == first:
                raise
            continue
        out[name] = _Folder(files, playlist, damaged)
    return out


def _ours(names: frozenset[str], pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for name in sorted(names) if (match := pattern.fullmatch(name))]


def _is_live(folder: _Folder, newest: MediaPlaylist | None) -> bool:
    """Somebody may be watching it, and it has segments of its own: it was made until the end."""
    playlist = folder.playlist
    if newest is None or playlist is None or folder.damaged or not playlist.entries:
        return False
    own = any(entry.uri in folder.names for entry in playlist.entries)
    return own and not playlist.ended and playlist.next_msn >= newest.next_msn - 1


def _stale(found: dict[str, _Folder], live: tuple[str, ...], first: str) -> tuple[str, ...]:
    return tuple(name for name in found if name != first and name not in live)


def _present(playlist: MediaPlaylist, stream: Path, found: dict[str, _Folder]) -> MediaPlaylist:
    """With the folders that hold each entry, from the last on that none does."""
    holders = [
        tuple(name for name in found if {entry.uri, entry.init} <= found[name].names)
        for entry in playlist.entries
    ]
    entries = tuple(
        replace(entry, folders=held) for entry, held in zip(playlist.entries, holders, strict=True)
    )
    playlist = replace(playlist, entries=entries)
    for count in range(len(entries), 0, -1):
        if not holders[count - 1]:
            log.warning("%s: listed segment %s is gone; going on after it", stream, entries[count - 1].uri)
            return playlist.without(count)
    return playlist


def remove(stream: Path) -> None:
    """All files of ours in ``stream``, and the folders that are empty then. What other programs wrote stays;
    so does what cannot be removed."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(stream)):
            if entry.is_dir(follow_symlinks=False) and FOLDER.fullmatch(entry.name):
                _remove_variant(Path(entry.path))
        if _theirs(stream) is None:
            (stream / MASTER).unlink(missing_ok=True)
        stream.rmdir()


def _remove_variant(folder: Path) -> None:
    with contextlib.suppress(IngestError, OSError):
        _read(folder / PLAYLIST)
        for entry in list(os.scandir(folder)):
            if _is_ours(entry.name.removeprefix(".").removesuffix(".tmp")):
                Path(entry.path).unlink()
        folder.rmdir()


def _theirs(stream: Path, first: str = "v0") -> Path | None:
    """A playlist beside our variants that another program wrote: any but a master of ours."""
    for path in sorted(stream.glob("*.m3u8")):
        if path.name != MASTER:
            return path
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.partition("/") for line in lines if line.endswith(".m3u8") and line[0] != "#"]
        ours = all(
            (folder == first or FOLDER.fullmatch(folder)) and name == PLAYLIST for folder, _, name in named
        )
        if not ours or any(line.startswith("#EXTINF") for line in lines):
            return path
    return None


def _foreign(path: Path) -> IngestError:
    return IngestError(f"{path} was written by another program: choose another stream name or remove it")


def _is_ours(name: str) -> bool:
    return name in (PLAYLIST, MASTER) or bool(SEGMENT_NAME.fullmatch(name) or INIT_NAME.fullmatch(name))


def _read(path: Path) -> tuple[MediaPlaylist | None, bool]:
    """The playlist and whether it is damaged; of a damaged one only the Target Duration is kept."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None, False
    uris = [line for line in text.splitlines() if line and not line.startswith("#")]
    if (
        text.startswith("#EXTM3U")
        and uris
        and not any(SEGMENT_NAME.fullmatch(uri.rpartition("/")[2]) for uri in uris)
    ):
        raise _foreign(path)
    try:
        playlist = parse(text)
        playlist = names_alone(playlist)
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
