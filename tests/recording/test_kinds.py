"""All that a live stream may be made of: variants, renditions, keys, byte ranges, init sections."""

from __future__ import annotations

from pathlib import Path

from seeder.recording.about import load
from tests.recording.conftest import Open, Writer, media, playlist, until, uris


async def test_the_variants_of_a_recording_begin_together_and_have_one_discontinuity_for_each_hole(
    recording: Open, feed_dir: Path
) -> None:
    (feed_dir / "garden").mkdir()
    variant = "#EXT-X-STREAM-INF:BANDWIDTH=1\n"
    master = f"#EXTM3U\n{variant}v0/index.m3u8\n{variant}v1/index.m3u8\n"
    (feed_dir / "garden" / "master.m3u8").write_text(master)
    high, low = (Writer(feed_dir, "garden", f"{name}/index.m3u8", window=4) for name in ("v0", "v1"))
    for _ in range(2):
        high.add()
        low.add()
    async with recording(feed_dir) as studio:
        # One is ahead of the other when it begins.
        high.at = low.at = high.at
        high.add()
        await until(lambda: "seg2.ts" in studio.feed.listed("garden", "v0/index.m3u8"))
        low.add()
        folder = await studio.recorded("garden", 1)
        assert [uris(path) for path in media(folder)] == [["seg2.ts"], ["seg2.ts"]]
        assert (folder / "master.m3u8").read_text() == master
        for writer in (high, low):  # another run of it, whose times go on
            at = writer.at + 10
            writer.restart()
            writer.prefix, writer.at = "again", at
            for number in range(2):
                writer.add(tags="" if number else "#EXT-X-DISCONTINUITY\n")
        await studio.recorded("garden", 3)
        for writer in (high, low):
            writer.write(ended=True)
        await studio.ready("garden")
        for path in media(folder):
            found = playlist(path)
            assert [(s.uri, s.discontinuity) for s in found.segments] == [
                ("seg2.ts", False), ("again0.ts", True), ("again1.ts", False),
            ]  # fmt: skip
        about = load(folder)
        assert about is not None
        assert (about.segments, about.duration, about.lost) == (3, 6.0, 10.0)


async def test_keys_stay_with_their_segments_and_what_followed_from_the_msn_is_said(
    recording: Open, feed_dir: Path
) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", msn=70, window=3)
        garden.folder.mkdir()
        for count in range(1, 5):
            key = garden.folder / "key.bin"
            key.write_bytes(b"%016d" % (count // 3))  # a new key by the old name
            garden.add(tags='#EXT-X-KEY:METHOD=AES-128,URI="key.bin"\n')
            folder = await studio.recorded("garden", count)
        text = (folder / "index.m3u8").read_text()
        keys = [line for line in text.splitlines() if line.startswith("#EXT-X-KEY")]
        assert keys == [
            f'#EXT-X-KEY:METHOD=AES-128,URI="{name}",IV=0x{msn:032x}'
            for name, msn in (("key.bin", 70), ("key.bin", 71), ("key-1.bin", 72), ("key-1.bin", 73))
        ]
        assert (folder / "key.bin").read_bytes() == b"%016d" % 0
        assert (folder / "key-1.bin").read_bytes() == b"%016d" % 1
        await until(lambda: studio.feed.library.resource(folder.name, "key-1.bin"))


async def test_ranges_of_a_file_that_grows_are_kept_where_they_are_with_their_torrents(
    recording: Open, feed_dir: Path
) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=3)
        garden.folder.mkdir()
        film = garden.folder / "film.mp4"
        film.write_bytes(b"init" * 100)
        for count in range(1, 6):
            start = film.stat().st_size
            with film.open("ab") as file:
                file.write(b"%d" % count * 1000)
            tags = '#EXT-X-MAP:URI="film.mp4",BYTERANGE="400@0"\n' if count == 1 or count > 3 else ""
            garden.list("film.mp4", tags=f"{tags}#EXT-X-BYTERANGE:1000@{start}\n")
            folder = await studio.recorded("garden", count)
        live = studio.feed.view("garden").resources["film.mp4"].parts
        kept = await until(
            lambda: (
                (view := studio.feed.library.stream(folder.name))
                and len(view.resources["film.mp4"].parts) == 5
                and view.resources["film.mp4"].parts
            )
        )
        assert {torrent.infohash for torrent in live.values()} <= {t.infohash for t in kept.values()}
        assert (folder / "film.mp4").read_bytes() == film.read_bytes()
        assert not (folder / "film.mp4").samefile(film)
        # Another run writes over it.
        film.write_bytes(b"INIT" * 100 + b"x" * 1000)
        garden.restart()
        garden.list("film.mp4", tags='#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="film.mp4",BYTERANGE="400@0"\n'
                    "#EXT-X-BYTERANGE:1000@400\n")  # fmt: skip
        await studio.recorded("garden", 6)
        last = playlist(folder / "index.m3u8").segments[-1]
        assert (last.uri, last.map_uri, last.discontinuity) == ("film-1.mp4", "film-1.mp4", True)
        assert (folder / "film-1.mp4").read_bytes() == film.read_bytes()
        assert (folder / "film.mp4").read_bytes()[400:1400] == b"1" * 1000
        about = load(folder)
        assert about is not None


async def test_what_has_no_master_and_no_folder_is_recorded_too(recording: Open, feed_dir: Path) -> None:
    async with recording(feed_dir) as studio:
        lone = Writer(feed_dir, "", "lone.m3u8")
        lone.add()
        folder = await studio.recorded("lone", 1)
        assert uris(folder / "lone.m3u8") == ["seg0.ts"]
        master = (folder / "master.m3u8").read_text()
        assert master.splitlines()[-1] == "lone.m3u8"
        lone.write(ended=True)
        await studio.ready("lone")
