"""Recordings become one file, and nothing is lost or made up at their seams; by real ffmpeg."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from seeder.errors import LiveTorrentError
from seeder.recording import export as export_module
from seeder.recording import exports
from seeder.recording.export import Export, Made
from seeder.recording.export_formats import ExportError
from seeder.recording.export_source import Wanted, read
from tests.recording_maker import Take, duration, look, make_recording, packets, worst_gap

FRAME = 1 / 25
SOUND = 1024 / 48000
PATIENCE = 60.0


async def export(ffmpeg: str, folder: Path, room: Path, wanted: Wanted) -> tuple[Path, Made]:
    room.mkdir(exist_ok=True)
    return await Export(read(folder, wanted), ffmpeg, room, lambda share, detail: None).run()


@pytest.mark.parametrize("kind", ["fmp4", "mpegts"])
async def test_over_reconnects_with_other_time_stamps_it_is_continuous(
    ffmpeg: str, tmp_path: Path, kind: str
) -> None:
    takes = [Take(3.2, offset=5000), Take(2.48), Take(4, offset=95440), Take(1.5, offset=7)]
    folder = make_recording(ffmpeg, tmp_path, takes, kind=kind)
    told: list[float | None] = []
    (tmp_path / "room").mkdir()
    source = read(folder, Wanted("mp4"))
    job = Export(source, ffmpeg, tmp_path / "room", lambda share, detail: told.append(share), "Ein Garten")
    file, made = await job.run()
    shown = await packets(ffmpeg, file)
    total = duration(folder)
    assert abs(total - 11.2) < 0.1
    assert len(shown["video"]) == 80 + 62 + 100 + 38  # each picture, once
    assert worst_gap(shown["video"]) < 0.001
    assert worst_gap(shown["audio"]) < SOUND
    begin, (last, seconds) = shown["video"][0][0], shown["video"][-1]
    assert abs(last + seconds - begin - total) < 0.02
    assert abs(made.stop - total) < 0.1
    assert (made.start, made.note, made.bytes) == (0.0, "", file.stat().st_size)
    data = file.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it plays while it comes
    assert b"Ein Garten" in data
    assert told[-1] is not None
    assert told[-1] > 0.9


@pytest.mark.parametrize("more", [0.15, 0.8])
async def test_sound_that_outlasts_the_picture_is_not_heard_twice(
    ffmpeg: str, tmp_path: Path, more: float
) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(2, more=more), Take(2, offset=60, more=more), Take(2)])
    file, _ = await export(ffmpeg, folder, tmp_path / "room", Wanted("mp4"))
    shown = await packets(ffmpeg, file)
    assert len(shown["video"]) == 150
    # A little of the next one's sound is left out; for more of it the picture waits.
    assert worst_gap(shown["video"]) < (0.001 if more < 0.25 else more)
    assert worst_gap(shown["audio"]) < SOUND
    times = [begin for begin, _ in shown["audio"]]
    assert min(after - before for before, after in pairwise(times)) > SOUND * 0.4
    begin, (last, seconds) = times[0], shown["audio"][-1]
    assert abs(sum(each for _, each in shown["audio"]) - (last + seconds - begin)) < 3 * SOUND


async def test_a_ladder_gives_its_best_variant_and_the_sound_that_is_apart(
    ffmpeg: str, tmp_path: Path
) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(3, audio=""), Take(2, audio="", offset=900)])
    make_recording(ffmpeg, tmp_path, [Take(3, video=""), Take(2, video="", offset=900)], name="sound")
    make_recording(ffmpeg, tmp_path, [Take(3, "64x36"), Take(2, "64x36", 900)], name="small")
    (tmp_path / "sound" / "v0").rename(folder / "a 1%")
    (tmp_path / "small" / "v0").rename(folder / "v1")
    (folder / "master.m3u8").write_text(
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="a%201%25/index.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=50000,CODECS="mp4a.40.2"\na%201%25/index.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x36,CODECS="avc1.42c00c,mp4a.40.2"\nv1/index.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=200000,RESOLUTION=160x90,AUDIO="a",CODECS="avc1.42c00c,mp4a.40.2"\n'
        "v0/index.m3u8\n"
    )
    file, made = await export(ffmpeg, folder, tmp_path / "room", Wanted("mp4"))
    found = await look(ffmpeg, file)
    assert [track.shown for track in found.tracks] == ["h264 160x90", "aac 48000 Hz mono"]
    shown = await packets(ffmpeg, file)
    assert worst_gap(shown["video"]) < 0.001
    assert worst_gap(shown["audio"]) < SOUND
    assert abs(shown["audio"][0][0] - shown["video"][0][0]) < 3 * FRAME
    assert abs(made.stop - 5) < 0.1
    small, _ = await export(ffmpeg, folder, tmp_path / "other", Wanted("mp4", variant="v1"))
    assert [track.form for track in (await look(ffmpeg, small)).tracks] == ["64x36", "48000 Hz mono"]
    with pytest.raises(ExportError, match="no such variant"):
        read(folder, Wanted("mp4", variant="../v1"))
    with pytest.raises(ExportError, match=r"H\.264 does not go into WebM: ask for mp4"):
        read(folder, Wanted("webm"))


async def test_a_part_begins_at_the_key_frame_before_and_ends_on_the_frame(
    ffmpeg: str, tmp_path: Path
) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(6, offset=40), Take(4, offset=2)])
    # Segments are 2 s long, and have a key frame each second.
    for number, (start, stop, begins) in enumerate([(3.6, 5.0, 3.0), (5.5, 8.2, 5.0), (7.0, None, 7.0)]):
        wanted = Wanted("mp4", start, stop)
        file, made = await export(ffmpeg, folder, tmp_path / str(number), wanted)
        shown = await packets(ffmpeg, file)
        assert made.start == begins
        ends = 10.0 if stop is None else stop
        begin, (last, seconds) = shown["video"][0][0], shown["video"][-1]
        assert abs(last + seconds - begin - (ends - begins)) < 3 * FRAME, wanted  # B-frames at the end
        assert worst_gap(shown["video"][:-3]) < 0.001
        assert worst_gap(shown["audio"]) < SOUND
        assert abs(shown["audio"][0][0] - begin) < 3 * FRAME
        assert (await look(ffmpeg, file)).tracks[0].keys[0][0] == pytest.approx(begin)
    for start, stop, status in ((5.0, 5.0, 400), (-1.0, 2.0, 400), (10.5, None, 400)):
        with pytest.raises(ExportError) as raised:
            read(folder, Wanted("mp4", start, stop))
        assert raised.value.status == status


@pytest.mark.parametrize("lacking", ["audio", "video"])
async def test_sound_alone_and_picture_alone(ffmpeg: str, tmp_path: Path, lacking: str) -> None:
    takes = [
        Take(3, video="", offset=600) if lacking == "video" else Take(3, audio="", offset=600),
        Take(2, video="") if lacking == "video" else Take(2, audio=""),
    ]
    folder = make_recording(ffmpeg, tmp_path, takes, kind="mpegts")
    file, made = await export(ffmpeg, folder, tmp_path / "room", Wanted("mp4"))
    shown = await packets(ffmpeg, file)
    kind = "audio" if lacking == "video" else "video"
    assert list(shown) == [kind]
    assert worst_gap(shown[kind]) < (SOUND if kind == "audio" else 0.001)
    assert abs(made.stop - 5) < 0.1
    _, part = await export(ffmpeg, folder, tmp_path / "part", Wanted("mp4", 1.5, 4))
    assert part.start == (1.5 if kind == "audio" else 1.0)
    assert abs(part.stop - 4) < 0.1


async def test_what_changes_in_the_middle_gives_its_longest_part(ffmpeg: str, tmp_path: Path) -> None:
    takes = [Take(2), Take(2, size="320x180"), Take(2, size="320x180"), Take(3, audio="")]
    folder = make_recording(ffmpeg, tmp_path, takes)
    file, made = await export(ffmpeg, folder, tmp_path / "room", Wanted("mp4"))
    assert [track.form for track in (await look(ffmpeg, file)).tracks] == ["320x180", "48000 Hz mono"]
    assert (made.start, round(made.stop, 1)) == (2.0, 6.0)
    assert made.note.startswith("at 2.0 s it changes from h264 160x90 and aac 48000 Hz mono to h264 320x180")
    with pytest.raises(ExportError, match=r"at 2\.0 s it changes .* ask for a part on one side"):
        await export(ffmpeg, folder, tmp_path / "part", Wanted("mp4", 1, 3))
    _, part = await export(ffmpeg, folder, tmp_path / "good", Wanted("mp4", 0, 1.5))
    assert (part.start, round(part.stop, 1)) == (0.0, 1.5)


async def test_webm_holds_what_goes_into_it(ffmpeg: str, tmp_path: Path) -> None:
    take = Take(2, video="libvpx-vp9 -deadline realtime -cpu-used 8", audio="libopus")
    folder = make_recording(ffmpeg, tmp_path, [take, Take(2, "160x90", 50, take.video, take.audio)])
    for form in ("webm", "mp4"):
        file, made = await export(ffmpeg, folder, tmp_path / form, Wanted(form))
        shown = await packets(ffmpeg, file)
        assert [track.codec for track in (await look(ffmpeg, file)).tracks] == ["vp9", "opus"]
        assert worst_gap(shown["video"]) < 0.002  # WebM counts milliseconds
        assert worst_gap(shown["audio"]) < 0.021
        assert abs(made.stop - 4) < 0.1
    plain = make_recording(ffmpeg, tmp_path, [Take(2)], name="plain")
    with pytest.raises(ExportError, match=r"H\.264 does not go into WebM: ask for mp4"):
        await export(ffmpeg, plain, tmp_path / "plain-room", Wanted("webm"))


async def test_what_cannot_be_exported_says_why(ffmpeg: str, tmp_path: Path) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(2), Take(2, offset=9)])
    index = folder / "v0" / "index.m3u8"
    text = index.read_text()

    async def refusal(changed: str) -> str:
        index.write_text(changed)
        room = tmp_path / "room"
        with pytest.raises(ExportError) as raised:
            await export(ffmpeg, folder, room, Wanted("mp4"))
        return str(raised.value)

    key = '#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF'
    assert await refusal(text.replace("#EXTINF", key, 1)) == "the recording is encrypted"
    assert "is gone, or not a file of ours" in await refusal(
        text.replace("take1-0", "https://example.org/take")
    )
    assert "is gone, or not a file of ours" in await refusal(text.replace("take1-0", "../../../etc/passwd"))
    assert "is gone, or not a file of ours" in await refusal(text.replace("take1-0", "nothing"))
    assert await refusal("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n") == "the recording is empty"
    assert await refusal("not a playlist") == "the recording's playlists cannot be read"
    index.write_text(text)
    (folder / "v0" / "take1-0.m4s").write_bytes(b"no media at all" * 1000)
    assert "its segments cannot be read" in await refusal(text)
    # Time stamps that jump where nothing says so would be a frame of an hour.
    folder = make_recording(ffmpeg, tmp_path, [Take(2), Take(2, offset=900)], "far", "mpegts")
    index = folder / "v0" / "index.m3u8"
    index.write_text(index.read_text().replace("#EXT-X-DISCONTINUITY\n", ""))
    with pytest.raises(ExportError, match="time stamps jump where there is no EXT-X-DISCONTINUITY"):
        await export(ffmpeg, folder, tmp_path / "far-room", Wanted("mp4"))


async def test_an_ffmpeg_that_hangs_dies_or_finds_the_disk_full_is_told_of(
    ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(2)])
    monkeypatch.setattr(export_module, "STALL", 0.3)
    monkeypatch.setattr(export_module, "STEP", 0.1)
    gone = folder / "v0" / "take0-0.m4s"
    for number, (acts, status, error) in enumerate(
        (
            ("exec sleep 600", 409, "ffmpeg came to a standstill"),
            ("echo 'x: No space left on device' >&2; exit 1", 507, "the disk is full"),
            (
                "echo '[mp4 @ 0x55d0c0f] /srv/feed/x: odd' >&2; exit 1",
                0,
                "could not make it: [mp4] x: odd",
            ),
            (f"rm {gone}", 409, "is gone, or not a file of ours"),
        )
    ):
        script = tmp_path / f"ffmpeg{number}"
        script.write_text(f'#!/bin/sh\ncase "$*" in *-progress*) {acts};; esac\nexec {ffmpeg} "$@"\n')
        script.chmod(0o755)
        with pytest.raises(LiveTorrentError) as raised:
            await export(str(script), folder, tmp_path / f"room{number}", Wanted("mp4"))
        assert error in str(raised.value)
        assert getattr(raised.value, "status", 0) == status


def test_an_export_leaves_room_for_what_is_live(ffmpeg: str, tmp_path: Path) -> None:
    folder = make_recording(ffmpeg, tmp_path, [Take(2)])
    source = read(folder, Wanted("mp4"))
    size = sum(file.stat().st_size for file in (folder / "v0").glob("*.m*4*"))
    total = 100 << 20  # a small disk, of which a twentieth is the live streams'
    spare = round(total / 20 * 1.25)
    exports.check_room(source, usage=lambda folder: (total, spare + 2 * size))
    with pytest.raises(ExportError, match="there is no room for it: of 7 MB, 1 are needed, and 7 kept"):
        exports.check_room(source, usage=lambda folder: (total, spare + size // 2))
