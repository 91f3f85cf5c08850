from __future__ import annotations

from dataclasses import replace

import pytest

from seeder.ingest.probe import Video
from seeder.ingest.steps import AUTO_PIXELS_PER_CORE, Input, Step, costliest, steps, usual_bitrate
from seeder.ladder import parse

HD = Input(Video("h264", "High", "yuv420p", 1920, 1080, "50"), 50.0, 6_000_000, True, cores=8)


def labels(made: tuple[Step, ...]) -> list[str]:
    return [step.label for step in made]


def test_without_a_ladder_there_are_no_steps() -> None:
    assert steps(parse("off"), HD) == ()


def test_rungs_become_folders_from_the_best_and_sound_has_one_of_its_own() -> None:
    made = steps(parse("audio@64k,360p,720p25@2M"), replace(HD, copies=False))
    assert [(step.folder, step.label, step.bitrate) for step in made[:2]] == [
        ("v0", "720p25", 2_000_000),
        ("v1", "360p", 1_152_000),
    ]
    assert (made[0].every, made[1].every) == (2, 1)
    assert (made[2].folder, made[2].sound, made[2].audio_bitrate) == ("a0", True, 64_000)


@pytest.mark.parametrize(
    ("spec", "copied"),
    [
        ("copy,480p", True),
        ("1080p,480p", True),
        ("1080p@6M,480p", True),
        ("1080p@4M,480p", False),  # the input has more bits than was asked for
        ("720p,480p", False),
        ("1080p,480p25", False),  # copied frames have times of their own
    ],
)
def test_the_best_rung_is_a_copy_where_the_input_is_what_was_asked_for(spec: str, copied: bool) -> None:
    assert steps(parse(spec), HD)[0].copied is copied
    assert not steps(parse(spec), replace(HD, copies=False))[0].copied


def test_nothing_is_scaled_up() -> None:
    small = replace(HD, video=Video("vp8", "", "yuv420p", 640, 360, "50"), copies=False)
    assert labels(steps(parse("1080p@4M,720p@2M,240p"), small)) == ["360p", "240p"]
    assert steps(parse("1080p@4M,720p@2M,240p"), small)[0].bitrate == 2_000_000
    assert labels(steps(parse("720p,360p"), small)) == ["360p"]
    assert labels(steps(parse("copy,240p"), small)) == ["360p", "240p"]


def test_an_input_that_nobody_could_look_at_gets_what_was_asked_for() -> None:
    assert labels(steps(parse("1080p,360p"), Input(None, 30.0))) == ["1080p", "360p"]


def test_auto_goes_down_from_the_input_in_steps_that_differ() -> None:
    made = steps(parse("auto"), HD)
    assert labels(made) == ["1080p", "720p", "480p", "360p"]
    assert made[0].copied
    rates = [step.bitrate for step in made[1:]]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] < 6_000_000


def test_auto_asks_of_a_machine_what_it_can_do() -> None:
    for cores in (1, 2, 4):
        made = steps(parse("auto"), replace(HD, cores=cores))
        assert sum(step.pixels for step in made) <= AUTO_PIXELS_PER_CORE * cores
    assert len(steps(parse("auto"), replace(HD, cores=1))) < len(steps(parse("auto"), HD))
    # What has to be encoded anyway is encoded, whatever it takes.
    assert labels(steps(parse("auto"), replace(HD, copies=False, cores=1))) == ["720p"]


def test_auto_adds_no_rung_that_needs_as_many_bits_as_the_input_has() -> None:
    poor = replace(HD, bitrate=500_000)
    assert all(step.bitrate < 500_000 for step in steps(parse("auto"), poor)[1:])


@pytest.mark.parametrize(
    ("copies", "gone", "stays"),
    [
        (True, ["720p", "480p", "240p"], ["1080p", "audio"]),
        (False, ["1080p", "720p", "480p"], ["240p", "audio"]),
    ],
)
def test_the_costliest_picture_goes_first_the_copy_or_the_lowest_stays(
    copies: bool, gone: list[str], stays: list[str]
) -> None:
    made = steps(parse("1080p,720p,480p,240p,audio"), replace(HD, copies=copies))
    lost = []
    while (step := costliest(made)) is not None:
        lost.append(step.label)
        made = tuple(one for one in made if one is not step)
    assert (lost, labels(made)) == (gone, stays)


def test_hevc_comes_after_what_every_browser_plays_and_never_stays_alone() -> None:
    made = steps(parse("720p:hevc,2160p:hevc,1080p,480p,audio"), HD)
    assert [step.folder for step in made] == ["v0", "v1", "h0", "h1", "a0"]
    assert labels(made) == ["1080p", "480p", "1080p hevc", "720p hevc", "audio"]
    assert not any(step.copied for step in made)
    assert made[2].bitrate < usual_bitrate(1920, 1080, 50)
    lost = []
    while (step := costliest(made)) is not None:
        lost.append(step.label)
        made = tuple(one for one in made if one is not step)
    assert (lost, labels(made)) == (["1080p hevc", "720p hevc", "1080p"], ["480p", "audio"])
