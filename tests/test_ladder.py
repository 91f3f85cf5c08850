"""What an operator may write for ``--ladder``, and in a config file."""

from __future__ import annotations

import pytest

from seeder.ladder import OFF, Choice, Ladder, Rung, parse


def test_a_ladder_is_written_in_one_line() -> None:
    ladder = parse("audio@64k, 480p30@1000k+96k ,720p@2.5M,copy")
    assert ladder.choice is Choice.GIVEN
    assert ladder.rungs == (
        Rung(),
        Rung(720, 2_500_000),
        Rung(480, 1_000_000, 30.0, 96_000),
        Rung(audio_bitrate=64_000, sound=True),
    )
    assert parse(str(ladder)) == ladder
    assert parse(" Auto ") == Ladder(Choice.AUTO)
    assert parse("off") == OFF


def test_a_config_file_may_hold_tables() -> None:
    tables = [
        {"height": 480, "bitrate": "1000k", "frame_rate": 30, "audio": "96k", "codec": "h264"},
        {"copy": True},
        {"audio": 64_000},
        "240p",
    ]
    assert parse(tables) == parse("copy,480p30@1000k+96k,240p,audio@64k")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "no rung"),
        ("720", "write 720p"),
        ("720p@", "no rung"),
        ("720p@fast", "2500k or 2.5M"),
        ("720p@1k", "between 50k and 100000k"),
        ("50p", "between 64 and 4320"),
        ("720p1", "between 5 and 240"),
        ("audio@64k", "at least one rung with a picture"),
        ("720p,audio,audio@64k", "sound alone is enough"),
        ("copy@2M", "leave it out"),
        ("copy,copy", "only once"),
        (",".join(["720p"] * 9), "at most 8"),
        (["720p", 5], "no rung"),
        ([{"height": 480, "codec": "vp8"}], "h264 and hevc are"),
        ("720p:hevc", "every browser plays"),
        ([{"hieght": 480}], "'hieght' is not known"),
        ([{"bitrate": "1M"}], "needs a height"),
        ([{"height": "480"}], "number of lines"),
        (7, "are needed"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_accepted(given: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(given)
