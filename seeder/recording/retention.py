"""Which recordings have to go. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from seeder.recording.about import Recording, State


def outdated(
    recordings: Iterable[tuple[Recording, int]], now: float, age: float | None, most: int | None
) -> list[str]:
    """Names, the oldest first, of those that ended more than ``age`` seconds before ``now`` (Unix seconds),
    and of so many more that the rest takes no more than ``most`` bytes. Each comes with its bytes on disk,
    exports included. What is kept, or not whole yet, stays, but counts."""
    everything = sorted(recordings, key=lambda pair: (pair[0].ended or pair[0].started, pair[0].name))
    total = sum(size for _, size in everything)
    gone: list[str] = []
    for recording, size in everything:
        whole = recording.state in (State.READY, State.INCOMPLETE)
        if recording.kept or recording.ended is None or not whole:
            continue
        too_old = age is not None and now - recording.ended > age
        too_much = most is not None and total > most
        if too_old or too_much:
            gone.append(recording.name)
            total -= size
    return gone
