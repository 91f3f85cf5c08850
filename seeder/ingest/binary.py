"""Which ffmpeg: the one asked for, else the newer of the system's and the imageio-ffmpeg wheel's."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import IngestError

LEAST = (5, 1)  # brought -fps_mode
PATIENCE = 20.0  # seconds for ``ffmpeg -version``: a cold disk, a virus scanner
REMEDY = "install it with 'pip install imageio-ffmpeg' or your package manager, or name one with --ffmpeg"


@dataclass(frozen=True, slots=True)
class Binary:
    path: str
    version: tuple[int, ...]
    """``(7, 1, 2)``; ``(0,)`` when it does not say a number (a build between releases)."""


async def find(explicit: str | Path | None) -> Binary:
    """Raises :class:`IngestError` with a remedy when there is none that can be used."""
    if explicit is not None:
        binary = await _look_at(str(explicit))
        if binary is None:
            raise IngestError(f"{explicit} cannot be run as ffmpeg: {REMEDY}")
        return binary
    candidates = [path for path in (shutil.which("ffmpeg"), await asyncio.to_thread(_from_wheel)) if path]
    found = [binary for path in candidates if (binary := await _look_at(path)) is not None]
    if not found:
        raise IngestError(f"no ffmpeg found: {REMEDY}")
    best = max(found, key=lambda binary: binary.version)
    if best.version < LEAST and best.version != (0,):
        number = ".".join(map(str, best.version))
        raise IngestError(f"ffmpeg {number} at {best.path} is older than {LEAST[0]}.{LEAST[1]}: {REMEDY}")
    return best


def _from_wheel() -> str | None:
    with contextlib.suppress(ImportError, RuntimeError):  # RuntimeError: the wheel has none for this platform
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    return None


async def _look_at(path: str) -> Binary | None:
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "-version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = out.decode(errors="replace")
    return Binary(path, parse_version(text)) if text.startswith("ffmpeg version ") else None


def parse_version(text: str) -> tuple[int, ...]:
    """Of ``ffmpeg version n7.1-12-gabc Copyright …``; pure."""
    match = re.match(r"ffmpeg version n?(\d{1,2}(?:\.\d+)*)(?![\d-]*-git)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else (0,)
