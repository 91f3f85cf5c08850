"""A folder that is one stream: what ``attach PATH`` publishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seeder.feed.scan import Alone
from tests.feed.conftest import Running

HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"


def write(folder: Path, path: str, *names: str, end: str = "#EXT-X-ENDLIST\n") -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / path).with_name(name).write_bytes(f"{path} {name}".encode() * 5000)
    listed = "".join(f"#EXTINF:2,\n{name}\n" for name in names)
    (folder / path).write_text(f"{HEAD}{listed}{end}")


async def test_all_playlists_of_a_folder_are_one_stream(
    tmp_path: Path, publishing: Running, wait_until: Callable[..., object]
) -> None:
    write(tmp_path, "low/index.m3u8", "a.ts")
    write(tmp_path, "high/index.m3u8", "a.ts")
    stream = "#EXT-X-STREAM-INF:BANDWIDTH={}\n{}/index.m3u8\n"
    master = "#EXTM3U\n" + stream.format(1, "low") + stream.format(2, "high")
    (tmp_path / "film.m3u8").write_text(master)
    async with publishing(tmp_path, alone=Alone("show")) as feed:
        await wait_until(
            lambda: feed.tagged("show", "low/index.m3u8") and feed.tagged("show", "high/index.m3u8")
        )
        assert [view.name for view in feed.library.streams()] == ["show"]
        assert feed.playlist("show", "master.m3u8").text == master
        assert feed.bytes_of("show", "low/a.ts") != feed.bytes_of("show", "high/a.ts")


async def test_of_a_playlist_only_what_it_lists_is_served(
    tmp_path: Path, publishing: Running, wait_until: Callable[..., object]
) -> None:
    write(tmp_path, "one.m3u8", "a.ts", "b.ts", end="")
    write(tmp_path, "other.m3u8", "secret.ts")
    async with publishing(tmp_path, alone=Alone("show", "one.m3u8")) as feed:
        await wait_until(lambda: feed.tagged("show", "one.m3u8"))
        assert feed.view("show").playlists.keys() == {"one.m3u8", "master.m3u8"}
        assert feed.library.resource("show", "secret.ts") is None
        write(tmp_path, "one.m3u8", "a.ts", "b.ts", "c.ts", end="")
        await wait_until(
            lambda: feed.tagged("show", "one.m3u8") and len(feed.listed("show", "one.m3u8")) == 3
        )


async def test_a_playlist_may_come_later_and_go(
    tmp_path: Path, publishing: Running, wait_until: Callable[..., object]
) -> None:
    async with publishing(tmp_path, alone=Alone("show")) as feed:
        assert feed.library.streams() == ()
        write(tmp_path, "index.m3u8", "a.ts")
        await wait_until(lambda: feed.tagged("show"))
        (tmp_path / "index.m3u8").unlink()
        await wait_until(lambda: feed.library.streams() == ())


async def test_a_low_latency_writers_parts_are_served_and_its_promises_kept(
    tmp_path: Path, publishing: Running, wait_until: Callable[..., object]
) -> None:
    control = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n"
    head = f"{HEAD}{control}#EXT-X-PART-INF:PART-TARGET=0.5\n"

    def write_parts(count: int) -> None:
        for n in range(count):
            (tmp_path / f"p{n}.ts").write_bytes(b"part %d" % n)
        parts = "".join(f'#EXT-X-PART:DURATION=0.5,URI="p{n}.ts"\n' for n in range(count))
        (tmp_path / "s0.ts").write_bytes(b"segment" * 1000)
        (tmp_path / ".new").write_text(f"{head}#EXTINF:2,\ns0.ts\n{parts}")
        (tmp_path / ".new").replace(tmp_path / "index.m3u8")

    write_parts(1)
    async with publishing(tmp_path, alone=Alone("show")) as feed:
        for count in (1, 2, 3):
            write_parts(count)

            def there(count: int = count) -> bool:
                edge = feed.playlist("show").edge
                newest = feed.library.resource("show", f"p{count - 1}.ts")
                return edge is not None and (edge.msn, edge.parts) == (1, count) and newest is not None

            await wait_until(there)
            assert feed.bytes_of("show", f"p{count - 1}.ts") == b"part %d" % (count - 1)
        assert feed.resource("show", "p0.ts").torrent is None
        await wait_until(lambda: feed.tagged("show"))
