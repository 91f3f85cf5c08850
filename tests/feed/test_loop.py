from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.feed.loop import Loop, live_text, make_loop, next_change, period_of
from seeder.hls.check import check
from seeder.hls.playlist import MediaPlaylist, parse


def media(text: str) -> MediaPlaylist:
    playlist = parse(text)
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def vod(*durations: float, head: str = "", name: str = "seg{}.ts") -> MediaPlaylist:
    body = "".join(f"#EXTINF:{d},\n{name.format(i)}\n" for i, d in enumerate(durations))
    target = max(2, *(int(d + 0.5) for d in durations))
    return media(f"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n{head}{body}#EXT-X-ENDLIST\n")


def loop_of(playlist: MediaPlaylist) -> Loop:
    return make_loop(playlist, period_of([playlist]))


def msns(text: str) -> list[int]:
    return [s.msn for s in media(text).segments]


def reloads(loop: Loop, start: float, count: int) -> list[str]:
    texts, now = [], start
    for _ in range(count):
        texts.append(live_text(loop, now))
        now = next_change(loop, now)
    return texts


def test_a_loop_slides_by_one_segment_at_a_time_for_ever() -> None:
    texts = reloads(loop_of(vod(2, 2, 2, 2)), 1_000_000_000, 30)
    lasts = [msns(t)[-1] for t in texts]
    assert lasts == list(range(lasts[0], lasts[0] + 30))
    assert all(not media(t).ended for t in texts)


def test_a_loop_breaks_no_rule_but_coming_again() -> None:
    findings = check(reloads(loop_of(vod(2, 1.5, 2, 0.7)), 1_000_000_000, 30))
    assert {f.rule for f in findings} <= {"uri-reused"}  # the same URI, and the same bytes


def test_each_cycle_begins_with_a_discontinuity_counted_when_it_leaves() -> None:
    loop = loop_of(vod(2, 2, 2, 2))
    for text in reloads(loop, 1_000_000_000, 12):
        for segment in media(text).segments:
            cycle, index = divmod(segment.msn, 4)
            assert segment.discontinuity == (index == 0)
            assert segment.discontinuity_sequence == cycle + 1


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_segments_still_fill_a_window(count: int) -> None:
    text = live_text(loop_of(vod(*([2.0] * count))), 1_000_000_000)
    assert len(msns(text)) >= 6
    assert check([text]) == [] or {f.rule for f in check([text])} == {"uri-reused"}


def test_variants_of_unequal_length_stay_aligned() -> None:
    long, short = vod(2, 2, 2), vod(2, 2, 1.9)
    period = period_of([long, short])
    loops = [make_loop(p, period) for p in (long, short)]
    for now in (1_000_000_000.0, 1_000_003_333.3, 1_700_000_001.0):
        a, b = (media(live_text(loop, now)).segments[-1] for loop in loops)
        assert a.msn == b.msn
        assert a.program_date_time == b.program_date_time


def test_a_restart_goes_on_where_it_would_have_been() -> None:
    playlist = vod(2, 2, 2)
    assert live_text(loop_of(playlist), 1_700_000_000.5) == live_text(loop_of(playlist), 1_700_000_000.5)


def test_init_sections_follow_their_segments_across_the_seam() -> None:
    playlist = media(
        '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="a.mp4"\n#EXTINF:2,\n0.m4s\n'
        '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="b.mp4"\n#EXTINF:2,\n1.m4s\n#EXT-X-ENDLIST\n'
    )
    for text in reloads(loop_of(playlist), 1_000_000_000, 5):
        assert all(s.map_uri == ("a.mp4", "b.mp4")[s.msn % 2] for s in media(text).segments)
        assert all(s.discontinuity for s in media(text).segments)


def test_a_range_without_an_offset_gets_one_because_what_it_follows_may_be_gone() -> None:
    playlist = media(
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-BYTERANGE:5@100\n#EXTINF:2,\nall.ts\n"
        + "#EXTINF:2,\n#EXT-X-BYTERANGE:7\nall.ts\n" * 9
        + "#EXT-X-ENDLIST\n"
    )
    places = [s.span for s in playlist.segments]
    for text in reloads(loop_of(playlist), 1_000_000_000, 12):
        assert [s.span for s in media(text).segments] == [places[s.msn % 10] for s in media(text).segments]


def test_an_implicit_iv_is_written_out_because_the_msn_changes() -> None:
    playlist = media(
        '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n'
        "#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\n2.ts\n#EXT-X-ENDLIST\n"
    )
    text = live_text(loop_of(playlist), 1_000_000_000)
    assert f"IV=0x{7:032x}" in text
    assert f"IV=0x{8:032x}" in text
    keys = [s.key_uri for s in media(text).segments]
    assert keys == [(None if s.msn % 3 == 2 else "k") for s in media(text).segments]


def test_the_writers_dates_and_type_are_left_out() -> None:
    playlist = vod(2, 2, head="#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PROGRAM-DATE-TIME:2001-01-01T00:00:00Z\n")
    text = live_text(loop_of(playlist), 1_000_000_000)
    assert "VOD" not in text
    assert "2001-01-01" not in text
    assert "ENDLIST" not in text


@given(
    st.lists(st.floats(0.1, 12).map(lambda d: round(d, 3)), min_size=1, max_size=12),
    st.floats(1e9, 2e9),
)
def test_any_loop_is_a_valid_growing_playlist(durations: list[float], start: float) -> None:
    loop = loop_of(vod(*durations))
    texts = reloads(loop, start, 6)
    assert {f.rule for f in check(texts)} <= {"uri-reused", "date-off", "target-duration-long"}
    lasts = [msns(t)[-1] for t in texts]
    assert lasts == sorted(lasts)
    for text in texts:
        playlist = media(text)
        assert playlist.duration >= 3 * playlist.target_duration - 1e-6
