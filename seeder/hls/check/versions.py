"""EXT-X-VERSION against the features in use (RFC 8216bis §8). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seeder.hls.check.lines import Line
from seeder.hls.check.rules import Finding


def versions(lines: Sequence[Line], multivariant: bool) -> Iterator[Finding]:
    """The first use of the feature that asks for the most, if that is more than the playlist says."""
    said = next((line for line in lines if line.tag == "EXT-X-VERSION"), None)
    version = int(said.value) if said is not None and said.value.isdecimal() and len(said.value) < 5 else 1
    frames_only = any(line.tag == "EXT-X-I-FRAMES-ONLY" for line in lines)
    needed, where, why = version, 0, ""
    for line in lines:
        for least, feature in _features(line, frames_only):
            if least > needed:
                needed, where, why = least, line.number, feature
    if needed > version:
        said_text = f"EXT-X-VERSION is {version}" if said is not None else "no EXT-X-VERSION means 1"
        yield Finding("version-too-low", where, f"{why} needs version {needed}, {said_text}")


def _features(line: Line, frames_only: bool) -> Iterator[tuple[int, str]]:
    has = line.attributes.values if line.tag and not line.bare else {}
    match line.tag:
        case "EXT-X-KEY":
            if "IV" in has:
                yield 2, "EXT-X-KEY with IV"
            if "KEYFORMAT" in has or "KEYFORMATVERSIONS" in has:
                yield 5, "EXT-X-KEY with KEYFORMAT"
        case "EXTINF":
            if "." in line.value.partition(",")[0]:
                yield 3, "EXTINF with a fraction"
        case "EXT-X-BYTERANGE" | "EXT-X-I-FRAMES-ONLY":
            yield 4, line.tag
        case "EXT-X-MAP":
            yield (5, "EXT-X-MAP with EXT-X-I-FRAMES-ONLY") if frames_only else (6, "EXT-X-MAP")
        case "EXT-X-MEDIA":
            if (line.get("INSTREAM-ID") or "").startswith("SERVICE"):
                yield 7, "INSTREAM-ID of a service"
            if "INSTREAM-ID" in has and line.get("TYPE") != "CLOSED-CAPTIONS":
                yield 13, f"INSTREAM-ID with TYPE={line.get('TYPE')}"
        case "EXT-X-DEFINE":
            yield (11, "EXT-X-DEFINE with QUERYPARAM") if "QUERYPARAM" in has else (8, "EXT-X-DEFINE")
        case "EXT-X-SKIP":
            yield 9, "EXT-X-SKIP"
            if "RECENTLY-REMOVED-DATERANGES" in has:
                yield 10, "RECENTLY-REMOVED-DATERANGES"
        case _:
            pass
    if any(name.startswith("REQ-") for name in has):
        yield 12, "an attribute that clients must know (REQ-…)"
