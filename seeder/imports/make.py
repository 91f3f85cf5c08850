"""A recording out of a file or a folder: converted, described, and then in the feed, all of it at once."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

from seeder.imports.convert import Made, Tell, Wish, convert
from seeder.imports.workshop import check_name, publish
from seeder.recording.about import Recording, State, save

TITLE = 200
"""Characters: more is no title, but a text."""

log = logging.getLogger(__name__)


async def make(
    wish: Wish, feed: Path, name: str, title: str, folder: Path, tell: Tell
) -> tuple[Recording, Made]:
    """The recording ``name`` of ``feed``. ``folder``: see :func:`convert`. Safe to cancel; raises
    :class:`~seeder.errors.IngestError`."""
    check_name(feed, name)
    made = await convert(wish, folder, tell)
    for warning in made.warnings:
        log.warning("%s: %s", name, warning)
    written = made.written
    recording = Recording(
        name=name,
        of="",
        state=State.READY,
        started=made.began,
        title=title[:TITLE],
        ended=made.began + written.duration,
        duration=written.duration,
        bytes=written.bytes,
        segments=written.segments,
    )
    await asyncio.to_thread(save, folder / "vod", recording)
    await asyncio.to_thread(publish, feed, folder / "vod", name)
    return recording, made


def name_from(text: str, feed: Path) -> str:
    """A free name like that of the file ``text``. Blocking."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", text)
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")[:56].rstrip("-._") or "upload"
    name, number = plain, 1
    while (feed / name).exists() or any(feed.glob(f"{name}.m3u*")):
        number += 1
        name = f"{plain}-{number}"
    return name


def title_from(text: str) -> str:
    """For people, from a file's name."""
    return re.sub(r"\.[A-Za-z0-9]{1,5}$", "", text).replace("_", " ").strip()[:TITLE]
