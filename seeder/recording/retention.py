"""Which recordings have to go, and which files that were made of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from seeder.recording.about import Recording, State


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk."""

    media: int
    exports: int = 0


Sized = Iterable[tuple[Recording, Sizes]]


def outdated(recordings: Sized, now: float, age: float | None, most: int | None) -> list[str]:
    """Names, the oldest first, of those that ended more than ``age`` seconds before ``now`` (Unix seconds),
    and of so many more that the media of the rest takes no more than ``most`` bytes. What is kept, or not
    whole yet, stays, but counts. Exports do not: whoever may ask for them could have recordings deleted."""
    everything = _oldest(recordings)
    total = sum(sizes.media for _, sizes in everything)
    gone: list[str] = []
    for recording, sizes in everything:
        whole = recording.state in (State.READY, State.INCOMPLETE)
        if recording.kept or recording.ended is None or not whole:
            continue
        too_old = age is not None and now - recording.ended > age
        too_much = most is not None and total > most
        if too_old or too_much:
            gone.append(recording.name)
            total -= sizes.media
    return gone


def crowded(recordings: Sized, gone: Collection[str], most: int | None, lacking: float = 0) -> list[str]:
    """Names, the oldest first, of those whose exports go: so many that what is left of all but ``gone`` takes
    no more than ``most`` bytes, and that ``lacking`` bytes are free again. They can be made anew."""
    left = [pair for pair in _oldest(recordings) if pair[0].name not in gone]
    total = sum(sizes.media + sizes.exports for _, sizes in left)
    over = max(lacking, 0 if most is None else total - most)
    found: list[str] = []
    for recording, sizes in left:
        if over > 0 and sizes.exports:
            found.append(recording.name)
            over -= sizes.exports
    return found


def _oldest(recordings: Sized) -> list[tuple[Recording, Sizes]]:
    return sorted(recordings, key=lambda pair: (pair[0].ended or pair[0].started, pair[0].name))
