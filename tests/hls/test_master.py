from __future__ import annotations

from seeder.hls.master import ASSUMED_BANDWIDTH, Measured, average, make_master, peak
from seeder.hls.playlist import MultivariantPlaylist, parse


def variants(text: str) -> list[tuple[str, str]]:
    playlist = parse(text)
    assert isinstance(playlist, MultivariantPlaylist)
    return [(v.uri, v.attributes.get("BANDWIDTH", "")) for v in playlist.variants]


def test_bandwidth_is_the_peak_rounded_up_and_average_all_bits_over_all_seconds() -> None:
    segments = [(250_000, 2.0), (312_500, 2.0)]
    assert peak(segments) == 1_300_000
    assert average(segments) == 1_200_000


def test_a_few_frames_at_the_end_do_not_set_the_peak() -> None:
    assert peak([(250_000, 2.0), (90_000, 0.04)]) == 1_000_000


def test_each_media_playlist_is_one_variant_and_the_best_is_last() -> None:
    text = make_master(
        [Measured("hi/index.m3u8", ((500_000, 2),)), Measured("lo/index.m3u8", ((50_000, 2),))]
    )
    assert variants(text) == [("lo/index.m3u8", "200000"), ("hi/index.m3u8", "2000000")]


def test_without_a_measure_a_bandwidth_is_assumed_because_one_is_required() -> None:
    assert variants(make_master([Measured("a.m3u8", ())])) == [("a.m3u8", str(ASSUMED_BANDWIDTH))]


def test_names_are_percent_encoded() -> None:
    text = make_master([Measured("a b/sp#cial.m3u8", ((1000, 2),))])
    assert [uri for uri, _ in variants(text)] == ["a%20b/sp%23cial.m3u8"]


def test_a_live_streams_bandwidth_never_falls() -> None:
    text = make_master([Measured("a.m3u8", ((1000, 2),), ended=False)], {"a.m3u8": 9_000_000})
    assert variants(text) == [("a.m3u8", "9000000")]
    assert "AVERAGE" not in text


def test_subtitles_become_a_rendition_of_every_variant() -> None:
    text = make_master([Measured("v.m3u8", ((1000, 2),)), Measured("s.m3u8", ((10, 2),), subtitles=True)])
    assert variants(text) == [("s.m3u8", ""), ("v.m3u8", "4000")]
    assert 'SUBTITLES="subtitles"' in text
