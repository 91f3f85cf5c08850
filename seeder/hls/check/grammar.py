"""Each tag by itself: in its place, said once, with a value of its kind. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seeder.hls.check.lines import Line
from seeder.hls.check.rules import Finding
from seeder.hls.check.tags import TAGS, Tag, fits


def grammar(lines: Sequence[Line], multivariant: bool) -> Iterator[Finding]:
    """What is wrong with each tag by itself."""
    seen: set[str] = set()
    pending: Line | None = None
    for line in lines:
        if not line.tag:
            pending = None
            continue
        tag = TAGS.get(line.tag)
        if tag is None:
            continue
        if not (tag.multivariant if multivariant else tag.media):
            kind = "multivariant" if multivariant else "media"
            text = f"{line.tag} has no place in a {kind} playlist"
            yield Finding("tag-in-wrong-playlist", line.number, text, tag.section)
            continue
        if tag.once and line.tag in seen:
            yield Finding("tag-repeated", line.number, f"{line.tag} stands here again", tag.section)
        seen.add(line.tag)
        pending = line if tag.segment else pending
        yield from _valued(line, tag)
    if pending is not None:
        tag = TAGS[pending.tag]
        yield Finding("tag-dangling", pending.number, f"no URI follows {pending.tag}", tag.section)


def _valued(line: Line, tag: Tag) -> Iterator[Finding]:
    if tag.empty:
        if not line.bare:
            yield Finding("tag-value", line.number, f"{line.tag} has no value", tag.section)
    elif tag.value is not None:
        if not fits(tag.value, line.value):
            yield Finding("tag-value", line.number, f"{line.tag} cannot be {line.value[:60]!r}", tag.section)
    else:
        yield from _attributes(line, tag)


def _attributes(line: Line, tag: Tag) -> Iterator[Finding]:
    attributes = line.attributes
    if attributes.rest or not attributes.values:
        text = f"{line.tag}: no attribute list from {attributes.rest[:40]!r} on"
        yield Finding("attribute-list", line.number, text)
    for name in attributes.repeated:
        yield Finding("attribute-repeated", line.number, f"{line.tag}: {name} stands there again")
    for name, value in attributes.values.items():
        kind = tag.attributes.get(name)
        if kind is not None and not fits(kind, value) and "{$" not in value:
            text = f"{line.tag}: {name} cannot be {value[:60]}"
            yield Finding("attribute-type", line.number, text, tag.section)
    if not attributes.rest:
        for name in sorted(tag.required - attributes.values.keys()):
            yield Finding("attribute-missing", line.number, f"{line.tag} has no {name}", tag.section)
