"""``[[streams]]``: every error names the file, the stream and the key, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder.config import Config, load
from seeder.errors import ConfigError
from seeder.ingest.many import ingest_config

GARDEN = '[[streams]]\nname = "garden"\n'


def loaded(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "live.toml"
    file.write_text(text)
    return load({}, {}, file)


def test_streams_have_their_own_settings_and_the_files_where_they_say_nothing(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "window = 5\nsegment_seconds = 4\n"
        + GARDEN
        + 'input = "rtsp://camera.local/1"\nwindow = 7\nloop = false\n'
        + 'video_bitrate = "800k"\nmax_height = 480\npush = "rtmp://a.example/live/k"\n'
        + '[[streams]]\nname = "studio"\ntakeover = false\n'
        + '[[streams]]\nname = "film"\ninput = "films/a.mp4"\n'
        + '[[streams]]\nname = "evening"\ninput = ["a.mp4", "http://host/b.mp4"]\n',
    )
    garden, studio, film, evening = config.streams
    made = ingest_config(config, garden)
    assert (made.stream, made.input, made.window, made.segment_seconds) == ("garden", garden.input, 7, 4.0)
    assert (made.loop, made.video_bitrate, made.max_height, made.end) == (False, 800_000, 480, True)
    assert garden.push == ("rtmp://a.example/live/k",)
    assert (studio.input, studio.takeover) == (None, False)
    assert ingest_config(config, studio).window == 5
    assert film.input == f"{tmp_path}/films/a.mp4", "relative to the file"
    assert evening.input == f"{tmp_path}/a.mp4\nhttp://host/b.mp4", "one a line"
    assert config.stream("film") is film


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("streams = 3", "streams: tables are needed"),
        ("[[streams]]\nwindow = 4", "[[streams]] number 1: name is missing"),
        (GARDEN + "windw = 4", "[[streams]] garden: unknown key 'windw'; did you mean 'window'?"),
        (GARDEN + "window = 1", "[[streams]] garden: window: must be between 3 and 100"),
        (GARDEN + "segment_seconds = 'x'", "[[streams]] garden: segment_seconds: a number"),
        (GARDEN + "input = 7", "[[streams]] garden: input: a file, URL or device is needed"),
        (GARDEN + "input = '-'", "[[streams]] garden: input: standard input"),
        (GARDEN + "video_bitrate = '1G'", "[[streams]] garden: video_bitrate: bits a second"),
        (GARDEN + "max_height = 10", "[[streams]] garden: max_height: a whole number from 64"),
        (GARDEN + "input = 'a'\ntakeover = true", "[[streams]] garden: takeover is for streams without"),
        (GARDEN + GARDEN, "[[streams]] garden: there are two of that name"),
        ("[[streams]]\nname = '../x'", "[[streams]] ../x: name: '../x' cannot name a stream"),
        (GARDEN + "push = ['http://me:secret@a/b']", "[[streams]] garden: push: addresses that begin with"),
        (GARDEN + "push = ['rtmp://a/secret b']", "[[streams]] garden: push: addresses that begin with"),
        ("stream = 1", "unknown key 'stream'; did you mean 'streams'?"),
    ],
)
def test_what_cannot_be_used_is_named_with_file_stream_and_key(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'live.toml'}: {told}"), str(caught.value)
    assert "secret" not in str(caught.value)
