"""The Dockerfile, as far as reading it goes: there is no engine where the tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture
def stages(root: Path) -> list[list[tuple[str, str]]]:
    """Per stage, its instructions: ``("FROM", "python:… AS build")`` and so on."""
    text = re.sub(r"\\\n(\s*#.*\n)*", " ", (root / "Dockerfile").read_text())
    found: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if found:  # an ARG may stand before the first stage
            found[-1].append((word, rest.strip()))
    return found


def only(stage: list[tuple[str, str]], word: str) -> str:
    (value,) = [rest for found, rest in stage if found == word]
    return value


def test_the_image_is_built_in_stages(stages: list[list[tuple[str, str]]]) -> None:
    assert len(stages) >= 2
    assert any(word == "COPY" and "--from=" in rest for word, rest in stages[-1])


def test_the_program_does_not_run_as_root(stages: list[list[tuple[str, str]]]) -> None:
    words = [word for word, _ in stages[-1]]
    assert only(stages[-1], "USER") not in ("", "root", "0")
    assert "RUN" not in words[words.index("USER") :]


def test_it_serves_the_demo_from_a_volume(stages: list[list[tuple[str, str]]]) -> None:
    final = stages[-1]
    assert only(final, "EXPOSE") == "8008"
    assert only(final, "VOLUME") == '["/feed"]'
    assert only(final, "STOPSIGNAL") == "SIGINT"
    assert only(final, "ENTRYPOINT") == '["live-torrent"]'
    assert only(final, "CMD") == '["demo"]'
    environment = " ".join(rest for word, rest in final if word == "ENV")
    assert "LIVE_TORRENT_HOST=0.0.0.0" in environment
    assert "LIVE_TORRENT_FEED=/feed" in environment
    assert "healthcheck.py" in only(final, "HEALTHCHECK")


def test_everything_copied_from_the_folder_exists_and_is_not_ignored(
    root: Path, stages: list[list[tuple[str, str]]]
) -> None:
    ignored = {
        line.rstrip("/") for line in (root / ".dockerignore").read_text().split() if not line.startswith("#")
    }
    for stage in stages:
        for word, rest in stage:
            if word != "COPY" or "--from=" in rest:
                continue
            for source in [part for part in rest.split()[:-1] if not part.startswith("--")]:
                assert (root / source).exists(), source
                assert source.rstrip("/") not in ignored, source
