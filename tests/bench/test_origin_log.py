from __future__ import annotations

import pytest

from bench.swarm.origin_log import FORMAT, Kind, kind_of, media_by_name, parse, sent_by_kind

LOG = (
    "100.250\t200\t1300\t1000\t-\t127.0.0.1\tGET\t/live/show/video/seg00001.m4s\n"
    "100.500\t206\t700\t500\t80\t127.0.0.1\tGET\t/live/show/video/seg00001.m4s\n"
    "101.000\t404\t300\t150\t-\t127.0.0.1\tGET\t/live/show/video/seg00009.m4s\n"
    "101.500\t200\t900\t600\t-\t127.0.0.1\tGET\t/live/show/video/index.m3u8\n"
    "102.000\t101\t5000\t4800\t4000\t127.0.0.1\tGET\t/announce\n"
)


def test_every_field_of_the_format_is_read_back() -> None:
    assert FORMAT.count(r"\t") == LOG.splitlines()[0].count("\t")
    first, *_, last = parse(LOG)
    assert (first.at, first.status, first.sent, first.body) == (100.25, 200, 1300, 1000)
    assert (first.received, first.name) == (0, "seg00001.m4s")
    assert (last.kind, last.sent, last.received) == (Kind.SIGNALLING, 5000, 4000)


def test_a_line_that_is_still_being_written_is_left_for_later() -> None:
    assert len(list(parse(LOG + "103.000\t200\t13"))) == 5
    assert list(parse("")) == []


def test_a_line_of_another_format_is_an_error() -> None:
    with pytest.raises(ValueError):
        list(parse("127.0.0.1 - - GET /\n"))


def test_a_range_counts_with_the_whole_and_an_error_page_is_no_media() -> None:
    assert media_by_name(parse(LOG)) == {"seg00001.m4s": (2000, 1500), "seg00009.m4s": (300, 0)}


def test_bytes_are_kept_apart_by_what_they_are() -> None:
    assert sent_by_kind(parse(LOG)) == {
        Kind.MEDIA: 2300,
        Kind.MANIFEST: 900,
        Kind.SIGNALLING: 5000,
        Kind.PAGE: 0,
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/live/show/video/init.mp4", Kind.MEDIA),
        ("/live/show/master.m3u8", Kind.MANIFEST),
        ("/tracker", Kind.SIGNALLING),
        ("/watch/show", Kind.PAGE),
        ("/client/player.js", Kind.PAGE),
    ],
)
def test_a_path_tells_what_it_is(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind
