from __future__ import annotations

from pathlib import Path

import pytest

from seeder.ingest.binary import find, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright", (9, 0, 2)),
        ("ffmpeg version 5.1.6-0+deb12u1 Copyright", (5, 1, 6)),
        ("ffmpeg version 7.1 Copyright", (7, 1)),
        ("ffmpeg version N-118000-gabcdef Copyright", (0,)),
        ("ffmpeg version 2024-12-01-git-abc-full_build Copyright", (0,)),
        ("something else", (0,)),
    ],
)
def test_versions_are_read_however_they_are_written(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def fake(folder: Path, version: str) -> Path:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\necho 'ffmpeg version {version} Copyright'\n")
    path.chmod(0o755)
    return path


async def test_the_newer_of_the_systems_and_the_wheels_is_taken(
    tmp_path: Path, ffmpeg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    path = fake(tmp_path, "4.4.2")
    assert (await find(None)).path == ffmpeg
    fake(tmp_path, "99.0")
    assert (await find(None)).path == str(path)


async def test_the_one_asked_for_is_taken(tmp_path: Path) -> None:
    path = fake(tmp_path, "5.1")
    assert (await find(str(path))).version == (5, 1)
