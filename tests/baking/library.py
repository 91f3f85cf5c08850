"""Folders of finished HLS, made by hand, and bakes of them within the test's own process."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from seeder.baking.bake import Bake, Ears, Options, Summary
from seeder.baking.plan import Remarks
from seeder.baking.store import Folder
from seeder.baking.undo import undo
from seeder.hls.check.magnets import torrents
from seeder.hls.playlist import MediaPlaylist, parse, split_lines
from seeder.model import Torrent

TRACKER = "wss://tracker.example.org/announce"
END = "#EXT-X-ENDLIST\n"


def media(*uris: str, end: str = END) -> str:
    listed = "".join(f"#EXTINF:2.0,\n{uri}\n" for uri in uris)
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n{listed}{end}"


def master(*uris: str) -> str:
    return "#EXTM3U\n" + "".join(f"#EXT-X-STREAM-INF:BANDWIDTH=1000000\n{uri}\n" for uri in uris)


def segment(seed: int, size: int = 150_000) -> bytes:
    return Random(seed).randbytes(size)


def film(root: Path, variants: tuple[str, ...] = ("low", "high"), count: int = 3) -> Path:
    """A multivariant stream with its variants in folders of their own."""
    for number, variant in enumerate(variants):
        names = [f"{index}.ts" for index in range(count)]
        write(root / variant / "index.m3u8", media(*names))
        for index, name in enumerate(names):
            write(root / variant / name, segment(100 * number + index))
    write(root / "master.m3u8", master(*(f"{variant}/index.m3u8" for variant in variants)))
    return root


def write(path: Path, data: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def tree(root: Path) -> dict[str, str]:
    """Every file beneath a folder, hidden ones too, and the digest of its bytes."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@dataclass
class Told:
    """What a bake did and said."""

    summary: Summary
    remarks: list[str]
    lines: list[str] = field(default_factory=list)


def bake(
    root: Path,
    public_url: str | None = None,
    tracker: str = TRACKER,
    ice: tuple[str, ...] = (),
    **ears: object,
) -> Told:
    lines: list[str] = []
    running = Bake(Folder(root.resolve()), Options(tracker, public_url, ice), Ears(lines.append, **ears))  # type: ignore[arg-type]
    summary = running.run()
    return Told(summary, running.remarks.lines(), lines)


def take_back(root: Path) -> list[str]:
    remarks = Remarks()
    undo(Folder(root.resolve()), remarks, lambda line: None, lambda: False, dry_run=False)
    return remarks.lines()


def magnets(playlist: Path) -> dict[str, Torrent]:
    """URI → torrent, of what a baked playlist lists."""
    text = playlist.read_bytes().decode()
    parsed = parse(text)
    assert isinstance(parsed, MediaPlaylist)
    known = torrents(text)
    return {segment.uri: known[segment.line] for segment in parsed.segments if segment.line in known}


def swarm(playlist: Path) -> str:
    """The rendezvous a playlist names."""
    line = split_lines(playlist.read_bytes().decode())[1]
    found = re.fullmatch(
        r'#EXT-X-COM-LIVETORRENT-SWARM:ID="([0-9a-f]{40})",TRACKER="(wss?://[^"]+)".*\s*', line
    )
    assert found, line
    return found[1]
