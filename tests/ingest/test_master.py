from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seeder.ingest.cmaf import InitSection
from seeder.ingest.master import Master, Rates, Variant, stated
from seeder.ingest.master import render as render_all
from seeder.ingest.moov import Track
from seeder.ingest.segmenter import Cut

VIDEO = Track(1, "video", 15360, "avc1.64001f", 1280, 720)
AUDIO = Track(2, "audio", 48000, "mp4a.40.2")


def render(uri: str, tracks: tuple[Track, ...], frame_rate: float, rates: Rates) -> str:
    return render_all([Variant(uri, tracks, frame_rate, rates)])


def test_a_multivariant_playlist_looks_like_this() -> None:
    rates = Rates().observe(300_000, 2.0, 2)
    assert render("v0/index.m3u8", (VIDEO, AUDIO), 29.97003, rates) == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=1350000,AVERAGE-BANDWIDTH=1200000,CODECS="avc1.64001f,mp4a.40.2",'
        "RESOLUTION=1280x720,FRAME-RATE=29.970\nv0/index.m3u8\n"
    )


def test_sound_alone_has_neither_resolution_nor_frame_rate() -> None:
    text = render("v0/index.m3u8", (AUDIO,), 0, Rates(150_000, 100_000))
    assert 'CODECS="mp4a.40.2"\n' in text


@given(st.lists(st.tuples(st.integers(1, 10**7), st.floats(0.1, 6)), min_size=1, max_size=60))
def test_bandwidth_bounds_every_segment_and_never_falls(segments: list[tuple[int, float]]) -> None:
    rates = Rates()
    for size, duration in segments:
        after = rates.observe(size, duration, 6)
        assert after.bandwidth >= max(rates.bandwidth, after.average)
        if duration >= 3:
            assert after.bandwidth >= size * 8 / duration
        rates = after


def test_a_steady_stream_does_not_change_its_playlist() -> None:
    rates = Rates()
    texts = set()
    for size in (300_000, 310_000, 295_000, 305_000) * 50:
        rates = rates.observe(size, 2.0, 2)
        texts.add(render("v0/index.m3u8", (VIDEO,), 25, rates))
    assert len(texts) == 1


def test_the_average_follows_a_lasting_change() -> None:
    rates = Rates()
    for size in [1_000_000] * 200 + [100_000] * 800:
        rates = rates.observe(size, 2.0, 2)
    assert rates.average <= 500_000
    assert rates.bandwidth >= 4_000_000


def test_stated_rates_are_read_back() -> None:
    text = render("v0/index.m3u8", (VIDEO,), 25, Rates(1_350_000, 1_200_000))
    assert stated(text) == (Rates(1_350_000, 1_200_000), "1280x720")
    assert stated("nonsense") == (Rates(), "")


def test_most_players_start_with_the_best_that_most_lines_carry_and_sound_alone_is_the_last() -> None:
    def variant(name: str, bandwidth: int) -> Variant:
        return Variant(name, (VIDEO, AUDIO), 25, Rates(bandwidth, bandwidth), name == "a0")

    variants = [variant("a0", 100_000), variant("v2", 800_000), variant("v0", 6_000_000)]
    text = render_all([*variants, variant("v1", 2_000_000)])
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["v1", "v0", "v2", "a0"]


def test_a_variant_that_becomes_another_size_has_rates_of_its_own() -> None:
    text = render("v1/index.m3u8", (VIDEO,), 25, Rates(9_000_000, 8_000_000))
    for height, expected in ((720, 9_000_000), (480, 900_000)):
        track = Track(1, "video", 15360, "avc1.64001f", height * 16 // 9 if height == 720 else 854, height)
        master = Master(text)
        inits = {"v0": InitSection(b"", (VIDEO,)), "v1": InitSection(b"", (track,))}
        master.begin_run(inits)
        for folder in inits:
            master.observe(folder, Cut(bytes(200_000), 0.0, 2.0, 50), 2.0, 2)
        assert stated(master.render(), "v1/index.m3u8")[0].bandwidth == expected
