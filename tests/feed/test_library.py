from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from seeder.feed.beneath import signature_of
from seeder.feed.library import MAX_ASKED, Library
from seeder.model import Kind, Resource, StreamView, Torrent, rendezvous_hash
from seeder.torrent.metainfo import make_torrent


def resource(path: str, torrent: Torrent | None = None, **more: object) -> Resource:
    fields: dict[str, object] = {"size": 1, "etag": '"1"', "data": b"x", "file": None, **more}
    return Resource(path, Kind.SEGMENT, "video/mp2t", torrent=torrent, **fields)  # type: ignore[arg-type]


def view(name: str, *resources: Resource) -> StreamView:
    return StreamView(name, True, {}, {r.path: r for r in resources}, 2.0, len(resources))


A, B = make_torrent("a.ts", b"a"), make_torrent("b.ts", b"b")


def test_what_is_published_is_known_and_what_is_not_is_not(tmp_path: Path) -> None:
    library = Library(tmp_path)
    library.publish(view("s", resource("a.ts", A)))
    assert library.torrent(A.infohash) == A
    assert library.knows(A.infohash)
    assert library.knows(rendezvous_hash("s"))
    assert not library.knows(B.infohash)
    assert not library.knows(rendezvous_hash("other"))
    assert library.resource("s", "a.ts") is not None
    assert library.resource("s", "../a.ts") is None
    assert library.resource("other", "a.ts") is None
    assert [s.name for s in library.streams()] == ["s"]


def test_a_torrent_is_forgotten_when_the_last_stream_that_has_it_drops_it(tmp_path: Path) -> None:
    library = Library(tmp_path)
    library.publish(view("s", resource("a.ts", A)))
    library.publish(view("t", resource("x/a.ts", A), resource("b.ts", B)))
    assert library.publish(view("s")) == frozenset()
    assert library.knows(A.infohash)
    assert library.withdraw("t") == {A.infohash, B.infohash, rendezvous_hash("t")}
    assert not library.knows(A.infohash)
    assert not library.knows(rendezvous_hash("t"))
    assert library.withdraw("t") == frozenset()


async def test_changes_are_told_to_every_reader_and_coalesced(tmp_path: Path) -> None:
    library = Library(tmp_path)
    seen: list[str] = []

    async def read() -> None:
        async with aclosing(library.changes()) as changes:
            async for name in changes:
                seen.append(name)

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    for _ in range(100):
        library.publish(view("s"))
    library.publish(view("t"))
    while len(seen) < 2:
        await asyncio.sleep(0)
    assert sorted(seen) == ["s", "t"]
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert not library._listeners


def test_asking_is_remembered_the_most_recent_first_and_bounded(tmp_path: Path) -> None:
    library = Library(tmp_path)
    torrents = [make_torrent(f"{n}.ts", b"%d" % n) for n in range(MAX_ASKED + 10)]
    library.publish(view("s", *(resource(t.name, t) for t in torrents)))
    for torrent in torrents:
        library.torrent(torrent.infohash)
    library.resource("s", "11.ts")
    assert len(library.asked()) == MAX_ASKED
    assert library.asked()[:2] == (torrents[11].infohash, torrents[-1].infohash)


def test_a_file_is_read_only_while_it_is_the_one_that_was_listed(tmp_path: Path) -> None:
    library = Library(tmp_path)
    path = (tmp_path / "a.ts").resolve()
    path.write_bytes(b"bytes")
    listed = resource("a.ts", etag=signature_of(path.stat()).etag, size=5, data=None, file=path)
    handle = library.read(listed)
    assert not isinstance(handle, bytes)
    with handle:
        assert handle.read() == b"bytes"
    path.write_bytes(b"other!")
    with pytest.raises(OSError):
        library.read(listed)
    path.unlink()
    with pytest.raises(OSError):
        library.read(listed)
    path.symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        library.read(listed)
    assert not [n for n in os.listdir("/proc/self/fd") if os.path.realpath(f"/proc/self/fd/{n}") == str(path)]


def test_bytes_in_memory_need_no_file(tmp_path: Path) -> None:
    assert Library(tmp_path / "missing").read(resource("a.ts")) == b"x"
