from __future__ import annotations

from typing import Any

import pytest

from seeder.errors import ConfigError
from seeder.ingest.config import IngestConfig


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", ".hidden", "-x", "ä", "x" * 65, "a\n"])
def test_a_stream_name_is_one_plain_path_component(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        IngestConfig(name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError):
        IngestConfig("s", variant=name)


@pytest.mark.parametrize(
    "options",
    [
        {"segment_seconds": 0.1}, {"segment_seconds": 61}, {"segment_seconds": float("nan")}, {"window": 2},
        {"window": 1001}, {"max_height": 8}, {"video_bitrate": 1}, {"stall_seconds": 0},
    ],
)  # fmt: skip
def test_figures_out_of_bounds_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be from"):
        IngestConfig("s", **options)


def test_a_stall_is_ten_seconds_or_five_segments() -> None:
    assert IngestConfig("s").stall == 10
    assert IngestConfig("s", segment_seconds=6).stall == 30
    assert IngestConfig("s", stall_seconds=3).stall == 3
