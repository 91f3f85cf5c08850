"""What bake leaves in a folder, and that it is exactly that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seeder.errors import FeedError
from seeder.hls.check.magnets import torrents
from seeder.hls.manifest import strip_tags
from seeder.model import Span
from seeder.torrent.metainfo import make_torrent
from tests.baking.library import bake, film, magnets, master, media, segment, swarm, take_back, tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "films"


def test_every_playlist_of_a_stream_names_its_swarm_and_every_segment_has_its_magnet(root: Path) -> None:
    film(root / "casablanca")
    before = {path: path.read_text() for path in root.rglob("*.m3u8")}
    told = bake(root)
    assert (told.summary.streams, told.summary.segments, told.summary.hashed) == (1, 6, 6)
    assert told.remarks == []
    assert len({swarm(path) for path in before}) == 1
    for path, text in before.items():
        assert strip_tags(path.read_text()) == text, "the writer's lines stay"
    for number, variant in enumerate(("low", "high")):
        found = magnets(root / "casablanca" / variant / "index.m3u8")
        assert found == {f"{n}.ts": make_torrent(f"{n}.ts", segment(100 * number + n)) for n in range(3)}


def test_a_page_for_each_stream_and_the_browser_files_once_lie_beside_them(root: Path) -> None:
    film(root / "deep" / "er" / "casablanca")
    write(root / "trailer.m3u8", media("trailer.ts"))
    write(root / "trailer.ts", segment(7))
    write(root / "extra.m3u8", media("extra.ts"))
    write(root / "extra.ts", segment(8))
    bake(root)
    new = tree(root).keys()
    assert {"live-torrent/embed.js", "live-torrent/sw.js", "live-torrent/client/watch.js"} <= new
    assert {"live-torrent/client/player.js", "live-torrent/client/watch.css"} <= new
    assert not [path for path in new if path.endswith(".map")]
    pages = {path for path in new if path.endswith(".html")}
    assert pages == {"deep/er/casablanca/watch.html", "watch.html", "watch-trailer.html"}
    page = (root / "deep/er/casablanca/watch.html").read_text()
    assert 'data-src="master.m3u8"' in page
    assert "<title>casablanca</title>" in page
    assert 'src="../../../live-torrent/client/watch.js"' in page
    assert '"/' not in page, "nothing is asked of the server's root"
    assert "connect-src &#x27;self&#x27; wss://tracker.example.org;" in page
    for link in ("watch.js", "watch.css", "favicon.svg"):
        assert (root / "live-torrent/client" / link).exists()
    bake(root)
    assert tree(root).keys() == new, "pages keep their names"


def test_a_second_bake_hashes_nothing_and_writes_nothing(root: Path) -> None:
    film(root)
    bake(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != ".live-torrent.jsonl"}
    content = tree(root)
    told = bake(root)
    assert (told.summary.hashed, told.summary.known, told.summary.written) == (0, 6, 0)
    assert tree(root) == content
    assert {p: p.stat().st_mtime_ns for p in before if p.is_file()} == {
        p: at for p, at in before.items() if p.is_file()
    }


def test_a_changed_segment_gets_a_new_torrent_and_a_removed_one_goes(root: Path) -> None:
    film(root)
    bake(root)
    old = magnets(root / "low/index.m3u8")
    same = swarm(root / "master.m3u8")
    write(root / "low/1.ts", segment(55))
    os.utime(root / "low/1.ts", ns=(1, 1))
    write(root / "low/index.m3u8", media("0.ts", "1.ts", "new.ts"))
    write(root / "low/new.ts", segment(56))
    (root / "low/2.ts").unlink()
    told = bake(root)
    assert (told.summary.hashed, told.summary.known) == (2, 4)
    new = magnets(root / "low/index.m3u8")
    assert new["0.ts"] == old["0.ts"]
    assert new["1.ts"] == make_torrent("1.ts", segment(55))
    assert new["new.ts"] == make_torrent("new.ts", segment(56))
    assert swarm(root / "low/index.m3u8") == same
    assert "low/2.ts" not in (root / ".live-torrent.jsonl").read_text()


def test_segments_that_were_written_anew_by_the_packager_are_still_known(root: Path) -> None:
    film(root)
    originals = {path: path.read_bytes() for path in root.rglob("*.m3u8")}
    bake(root)
    baked = tree(root)
    for path, data in originals.items():
        path.write_bytes(data)
    assert bake(root).summary.hashed == 0
    assert tree(root) == baked


def test_other_settings_write_other_manifests_and_hash_nothing(root: Path) -> None:
    film(root / "a b")
    bake(root)
    told = bake(root, "https://cdn.example.org/films", "wss://other.example.org")
    assert told.summary.hashed == 0
    text = (root / "a b/low/index.m3u8").read_text()
    assert text.count("tr=wss%3A%2F%2Fother.example.org&ws=") == 3
    assert "ws=https%3A%2F%2Fcdn.example.org%2Ffilms%2Fa%2520b%2Flow%2F0.ts" in text
    assert "tracker.example.org" not in text
    bake(root, ice=("stun:a.example.org", "stun:b.example.org"))
    text = (root / "a b/low/index.m3u8").read_text()
    assert 'ICE="stun:a.example.org,stun:b.example.org"' in text
    assert "&ws=" not in text


def test_the_swarm_stays_and_is_the_same_everywhere_when_the_address_is_known(
    root: Path, tmp_path: Path
) -> None:
    film(root)
    film(tmp_path / "elsewhere")
    thrown = [bake(root) and swarm(root / "master.m3u8") for _ in range(2)]
    assert thrown[0] == thrown[1]
    bake(tmp_path / "elsewhere")
    assert swarm(tmp_path / "elsewhere/master.m3u8") != thrown[0]
    for folder in (root, tmp_path / "elsewhere"):
        bake(folder, "https://cdn.example.org/films")
    assert swarm(root / "master.m3u8") == swarm(tmp_path / "elsewhere/master.m3u8") != thrown[0]


def test_undo_gives_everything_back_byte_for_byte(root: Path) -> None:
    film(root / "casablanca")
    windows = media("x.ts").replace("\n", "\r\n").removesuffix("\r\n")
    write(root / "odd" / "x.m3u8", "\ufeff" + windows)
    write(root / "odd" / "x.ts", segment(9))
    write(root / "odd" / "watch.html", "somebody's own")
    (root / "casablanca/master.m3u8").chmod(0o640)
    before = tree(root)
    bake(root)
    assert (root / "casablanca/master.m3u8").stat().st_mode & 0o777 == 0o640
    bake(root, "https://cdn.example.org", "wss://other.example.org")
    assert tree(root) != before
    assert (root / "odd/watch-x.html").exists()
    assert take_back(root) == []
    assert tree(root) == before
    assert not (root / "live-torrent").exists()
    with pytest.raises(FeedError, match="nothing to undo"):
        take_back(root)


def test_tags_of_another_server_give_way_and_come_back_with_undo(root: Path, tmp_path: Path) -> None:
    film(tmp_path / "mirrored")
    bake(tmp_path / "mirrored")
    foreign = (tmp_path / "mirrored/low/index.m3u8").read_bytes()
    film(root)
    write(root / "low/index.m3u8", foreign)
    before = tree(root)
    for _ in range(2):
        bake(root, None, "wss://ours.example.org")
        assert swarm(root / "low/index.m3u8") == swarm(root / "master.m3u8")
        assert b"tracker.example.org" not in (root / "low/index.m3u8").read_bytes()
    take_back(root)
    assert tree(root) == before


def test_undo_leaves_what_somebody_changed_since(root: Path) -> None:
    film(root)
    bake(root)
    write(root / "watch.html", "my own page")
    write(root / "low/index.m3u8", media("0.ts"))
    told = bake(root)
    assert any("watch.html was changed since it was made" in line for line in told.remarks), told.remarks
    assert (root / "watch.html").read_text() == "my own page"
    take_back(root)
    assert (root / "watch.html").read_text() == "my own page"
    assert (root / "low/index.m3u8").read_text() == media("0.ts")


def test_files_of_a_former_version_go_with_the_next_bake(root: Path) -> None:
    film(root / "a")
    film(root / "b")
    bake(root)
    for path in sorted((root / "b").rglob("*"), reverse=True):
        if path.name != "watch.html" and path.is_file():
            path.unlink()
    assert bake(root).summary.removed == 1
    assert not (root / "b/watch.html").exists()
    assert (root / "a/watch.html").exists()


def test_nothing_is_noted_through_a_symlink(root: Path, tmp_path: Path) -> None:
    write(root / "a.ts", segment(1))
    write(root / "index.m3u8", media("a.ts"))
    (root / ".live-torrent.jsonl").symlink_to(tmp_path / "outside.jsonl")
    with pytest.raises(FeedError, match="is a symlink"):
        bake(root)
    assert not (tmp_path / "outside.jsonl").exists()


def test_what_is_not_for_us_gets_no_magnet_and_is_said_once(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret.ts", segment(1))
    write(root / "in.ts", segment(2))
    write(root / "empty.ts", b"")
    (root / "link.ts").symlink_to(tmp_path / "secret.ts")
    (root / "fine.ts").symlink_to(root / "in.ts")
    (root / "outside").symlink_to(tmp_path)
    uris = (
        *(
            "in.ts",
            "fine.ts",
            "link.ts",
            "outside/secret.ts",
            "../secret.ts",
            "%2e%2e/secret.ts",
            "/etc/passwd",
        ),
        *("https://other.example/x.ts?token=s3cret", "https://other.example/y.ts", "empty.ts", "gone.ts"),
    )
    write(root / "index.m3u8", media(*uris))
    told = bake(root)
    assert magnets(root / "index.m3u8").keys() == {"in.ts", "fine.ts"}
    said = "\n".join(told.remarks)
    assert len(told.remarks) == 4, said
    for part in (
        "leads out of the folder",
        "is served by others",
        "empty.ts is empty",
        "link.ts is not there",
    ):
        assert part in said
    assert "s3cret" not in said
    assert "https://other.example" in (root / "watch.html").read_text(), "its page may still play it"


def test_names_are_found_as_players_ask_for_them(root: Path) -> None:
    names = {
        "a b.ts": "a%20b.ts",
        "100%.ts": "100%25.ts",
        "häuser.ts": "h%C3%A4user.ts",
        "日本.ts": "日本.ts",
        "c#d.ts": "c%23d.ts",
        "q.ts": "q.ts?token=1&x=2",
        "sub/plain.ts": "./sub/../sub/plain.ts",
    }
    for number, name in enumerate(names):
        write(root / name, segment(number))
    write(root / "index.m3u8", media(*names.values()))
    told = bake(root, "https://cdn.example.org")
    assert told.remarks == []
    found = magnets(root / "index.m3u8")
    assert [torrent.name for torrent in found.values()] == [name.rpartition("/")[2] for name in names]
    assert "ws=https%3A%2F%2Fcdn.example.org%2Fq.ts%3Ftoken%3D1%26x%3D2" in (root / "index.m3u8").read_text()


def test_gaps_have_no_magnet_and_shared_files_are_hashed_once(root: Path) -> None:
    write(root / "a.ts", segment(1))
    text = media("a.ts", "gap.ts", "a.ts").replace("#EXTINF:2.0,\ngap.ts", "#EXT-X-GAP\n#EXTINF:2.0,\ngap.ts")
    write(root / "index.m3u8", text)
    told = bake(root)
    assert told.summary.hashed == 1
    assert (root / "index.m3u8").read_text().count("MAGNET=") == 2


def test_each_byte_range_has_a_magnet_of_its_own_and_frames_have_none(root: Path) -> None:
    data = segment(1, 500_000)
    write(root / "all.ts", data)
    ranges = ("200000@0", "100000", "150000@350000", "10@499995")
    text = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n"
    text += (
        "".join(f"#EXTINF:2.0,\n#EXT-X-BYTERANGE:{span}\nall.ts\n" for span in ranges) + "#EXT-X-ENDLIST\n"
    )
    write(root / "index.m3u8", text)
    frames = text.replace("#EXT-X-TARGETDURATION", "#EXT-X-I-FRAMES-ONLY\n#EXT-X-TARGETDURATION")
    write(root / "frames.m3u8", frames)
    write(
        root / "master.m3u8",
        master("index.m3u8") + '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="frames.m3u8"\n',
    )
    told = bake(root, "https://cdn.example.org")
    assert told.summary.hashed == 3
    assert told.remarks == ["all.ts ends before its byte range does: no magnet for it"]
    baked = (root / "index.m3u8").read_text()
    found = [torrent for _, torrent in sorted(torrents(baked).items())]
    spans = (Span(0, 200_000), Span(200_000, 100_000), Span(350_000, 150_000))
    assert found == [make_torrent(f"all.ts@{span.start}", span.of(data)) for span in spans]
    assert "ws=" not in baked, "a web seed would send the whole file"
    assert "MAGNET=" not in (root / "frames.m3u8").read_text()
    assert bake(root, "https://cdn.example.org").summary.hashed == 0


@pytest.mark.parametrize("kind", ["", "#EXT-X-PLAYLIST-TYPE:EVENT\n"])
def test_what_has_not_ended_is_left_alone_and_its_neighbours_are_baked(root: Path, kind: str) -> None:
    film(root / "done")
    film(root / "live")
    live = media("0.ts", end="").replace("#EXT-X-VERSION:3\n", f"#EXT-X-VERSION:3\n{kind}")
    write(root / "live/high/index.m3u8", live)
    before = tree(root / "live")
    told = bake(root)
    assert tree(root / "live") == before
    assert "live/high/index.m3u8 has no EXT-X-ENDLIST: bake is for what has ended" in told.remarks[0]
    assert magnets(root / "done/low/index.m3u8")
    write(root / "done/low/index.m3u8", media("0.ts", end=""))
    with pytest.raises(FeedError, match=r"nothing to bake .* has no EXT-X-ENDLIST"):
        bake(root)


def test_a_playlist_that_changes_meanwhile_is_left_to_the_next_run(root: Path) -> None:
    film(root / "a")
    live = media("0.ts", end="")

    def somebody_writes(*_: object) -> None:
        write(root / "a/low/index.m3u8", live)
        (root / "a/high/index.m3u8").unlink(missing_ok=True)

    told = bake(root, progress=somebody_writes)
    assert told.remarks == ["a/high/index.m3u8 changed meanwhile: run bake again (1 more like it)"]
    assert (root / "a/low/index.m3u8").read_text() == live
    write(root / "a/low/index.m3u8", media("0.ts", "1.ts"))
    assert bake(root).summary.hashed == 0, "what was hashed is known"
    assert magnets(root / "a/low/index.m3u8").keys() == {"0.ts", "1.ts"}


def test_what_is_no_playlist_is_left_alone(root: Path) -> None:
    film(root)
    write(root / "text.m3u8", "not a playlist\n")
    write(root / "latin.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,h\xe4\nx.ts\n#EXT-X-ENDLIST\n")
    write(root / "sub/.hidden.m3u8", media("x.ts"))
    before = tree(root)
    told = bake(root)
    after = tree(root)
    for name in ("text.m3u8", "latin.m3u8", "sub/.hidden.m3u8"):
        assert after[name] == before[name]
    assert [line.split()[0] for line in told.remarks] == ["latin.m3u8", "text.m3u8"]


def test_playlists_that_share_renditions_are_one_stream(root: Path) -> None:
    film(root)
    write(root / "audio-only.m3u8", master("low/index.m3u8"))
    told = bake(root)
    assert told.summary.streams == 1
    assert swarm(root / "audio-only.m3u8") == swarm(root / "master.m3u8")
    assert told.lines[0].startswith("master.m3u8: 4 playlists, 6 of 6 segments with magnets")


def test_a_listed_playlist_needs_no_usual_name(root: Path) -> None:
    write(root / "video/list.txt", media("0.ts"))
    write(root / "video/0.ts", segment(1))
    write(root / "master.m3u8", master("video/list.txt", "gone.m3u8", "https://other.example/high.m3u8"))
    told = bake(root)
    assert magnets(root / "video/list.txt").keys() == {"0.ts"}
    assert len(told.remarks) == 2


def test_a_compressed_copy_that_is_older_now_is_said(root: Path) -> None:
    film(root)
    write(root / "low/index.m3u8.gz", b"old")
    os.utime(root / "low/index.m3u8.gz", ns=(1, 1))
    assert any("index.m3u8.gz is older than the playlist now" in line for line in bake(root).remarks)


def test_somebodys_file_in_the_way_is_not_replaced(root: Path) -> None:
    film(root)
    write(root / "live-torrent/embed.js", "mine")
    before = tree(root)
    with pytest.raises(FeedError, match=r"embed\.js is there and not of a bake here"):
        bake(root)
    assert tree(root) == before


def test_a_folder_without_playlists_is_an_error(root: Path) -> None:
    write(root / "a.ts", segment(1))
    with pytest.raises(FeedError, match=r"no playlist \(\.m3u8\) in"):
        bake(root)
