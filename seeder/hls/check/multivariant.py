"""A multivariant playlist by itself (RFC 8216bis §4.4.6). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from seeder.hls.check.lines import Line
from seeder.hls.check.rules import Finding

GROUPS = ("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")
_AUDIO_ONLY = ("mp4a", "ac-3", "ec-3", "opus", "flac", "fLaC", "mp3", "alac")
_TEXT_ONLY = ("stpp", "wvtt")


def multivariant(lines: Sequence[Line]) -> Iterator[Finding]:
    variants = [line for line in lines if line.tag == "EXT-X-STREAM-INF"]
    renditions = [line for line in lines if line.tag == "EXT-X-MEDIA"]
    yield from _variants(lines, variants)
    yield from _groups(variants, renditions)
    for line in renditions:
        yield from _rendition(line)
    yield from _members(renditions)
    yield from _session(lines)
    if variants and not any(line.tag == "EXT-X-INDEPENDENT-SEGMENTS" for line in lines):
        yield Finding("independent-missing", 0, "no EXT-X-INDEPENDENT-SEGMENTS")


def _variants(lines: Sequence[Line], variants: Sequence[Line]) -> Iterator[Finding]:
    uris = {line.number: after.value for line, after in pairwise(lines) if not after.tag}
    known: set[tuple[object, ...]] = set()
    for line in variants:
        same = (uris.get(line.number), tuple(sorted(line.attributes.values.items())))
        if same in known:
            yield Finding("variant-repeated", line.number, f"{same[0]} with the same attributes again")
        known.add(same)
        codecs = line.get("CODECS")
        if codecs is None:
            yield Finding("codecs-missing", line.number, "a variant without CODECS")
        if has_video(codecs) and "RESOLUTION" not in line.attributes.values:
            yield Finding("resolution-missing", line.number, f"CODECS={codecs} without RESOLUTION")
        peak, average = (_number(line, name) for name in ("BANDWIDTH", "AVERAGE-BANDWIDTH"))
        if average is None:
            yield Finding("average-missing", line.number, "a variant without AVERAGE-BANDWIDTH")
        elif peak is not None and peak < average:
            text = f"BANDWIDTH {peak} is below AVERAGE-BANDWIDTH {average}"
            yield Finding("bandwidth-below-average", line.number, text)


def has_video(codecs: str | None) -> bool:
    """Whether CODECS name one; nothing is known without them."""
    words = [word.strip() for word in (codecs or "").split(",") if word.strip()]
    return any(not word.startswith(_AUDIO_ONLY + _TEXT_ONLY) for word in words)


def _number(line: Line, name: str) -> int | None:
    value = line.attributes.values.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 20 else None


def _groups(variants: Sequence[Line], renditions: Sequence[Line]) -> Iterator[Finding]:
    there = {(line.get("TYPE"), line.get("GROUP-ID")) for line in renditions}
    for line in variants:
        for kind in GROUPS:
            value = line.attributes.values.get(kind)
            if value is None or value == "NONE":
                continue
            if (kind, value.strip('"')) not in there:
                yield Finding("group-unknown", line.number, f"there is no EXT-X-MEDIA of {kind}={value}")
    silent = [line.attributes.values.get("CLOSED-CAPTIONS") == "NONE" for line in variants]
    if any(silent) and not all(silent):
        number = variants[silent.index(False)].number
        yield Finding("captions-none", number, "CLOSED-CAPTIONS=NONE elsewhere, and not here")


def _rendition(line: Line) -> Iterator[Finding]:
    has, kind = line.attributes.values, line.get("TYPE")
    if kind == "SUBTITLES" and "URI" not in has:
        yield Finding("media-uri", line.number, "subtitles without a URI")
    if kind == "CLOSED-CAPTIONS":
        if "URI" in has:
            yield Finding("media-uri", line.number, "closed captions are in the video: no URI")
        if "INSTREAM-ID" not in has:
            yield Finding("instream-id", line.number, "closed captions without INSTREAM-ID")
    if has.get("DEFAULT") == "YES" and has.get("AUTOSELECT") == "NO":
        yield Finding("media-default", line.number, "DEFAULT=YES and AUTOSELECT=NO")
    if "FORCED" in has and kind != "SUBTITLES":
        yield Finding("media-default", line.number, f"FORCED with TYPE={kind}")


def _members(renditions: Sequence[Line]) -> Iterator[Finding]:
    groups: dict[tuple[str | None, str | None], list[Line]] = defaultdict(list)
    for line in renditions:
        groups[line.get("TYPE"), line.get("GROUP-ID")].append(line)
    for (_, group), members in groups.items():
        names: set[str | None] = set()
        default = False
        for line in members:
            if line.get("NAME") in names:
                text = f"{line.get('NAME')!r} stands twice in group {group!r}"
                yield Finding("media-name-repeated", line.number, text)
            names.add(line.get("NAME"))
            if line.get("DEFAULT") == "YES":
                if default:
                    yield Finding("media-two-defaults", line.number, f"another default in group {group!r}")
                default = True


def _session(lines: Sequence[Line]) -> Iterator[Finding]:
    known: set[tuple[str | None, str | None]] = set()
    for line in lines:
        has = line.attributes.values if line.tag.startswith("EXT-X-SESSION-") else {}
        if line.tag == "EXT-X-SESSION-DATA":
            if ("VALUE" in has) == ("URI" in has):
                text = "both VALUE and URI" if "URI" in has else "neither VALUE nor URI"
                yield Finding("session-data", line.number, text)
            identity = line.get("DATA-ID"), line.get("LANGUAGE")
            if identity in known:
                yield Finding("session-data", line.number, f"{identity[0]} is said again")
            known.add(identity)
        elif line.tag == "EXT-X-SESSION-KEY":
            if line.get("METHOD") == "NONE":
                yield Finding("session-key", line.number, "METHOD=NONE")
            elif "URI" not in has:
                yield Finding("session-key", line.number, "no URI")
