"""A publisher's time stamps, put on one line that only ever goes on. Pure.

Encoders' clocks wrap (RTMP 1.0 §5.3.1: at 2³² ms), start again and jump. ffmpeg would make a frame of an
hour out of such a jump; so what comes behind it is moved to where the last frame ended.
"""

from __future__ import annotations

FAR = 2_000
"""Milliseconds forward that are a jump: longer than any frame, shorter than any segment should be off."""
BACK = 500
"""Milliseconds backward in one track that are a jump; less is an encoder's disorder."""
APART = 10_000
"""Milliseconds that a track may begin before or after the other one."""
USUAL = 20
"""Milliseconds a frame takes when nothing is known of the last one."""


class Timeline:
    """Times of tracks, in milliseconds from 0."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}  # by track, on our line
        self._gap: dict[int, int] = {}  # by track, between its last two
        # From stamps to our line: the one in force, and the one before it, which a track that comes
        # later than the other over a jump still has.
        self._offsets: list[int] = []

    @property
    def now(self) -> int:
        """The latest."""
        return max(self._last.values(), default=0)

    def begin_again(self, at: int) -> None:
        """``at`` is 0 from now on."""
        self._offsets = [offset - at for offset in self._offsets]
        self._last = {track: last - at for track, last in self._last.items()}

    def place(self, track: int, stamp: int) -> tuple[int, bool]:
        """Where ``stamp`` is on our line, and whether it jumped there."""
        if not self._offsets:
            self._offsets = [-stamp]
        for offset in self._offsets:
            if (time := self._fitting(track, _signed(stamp + offset - self.now) + self.now)) is not None:
                return self._placed(track, time), False
        time = max(self.now, self._last.get(track, 0)) + self._gap.get(track, USUAL)
        self._offsets = [time - stamp, self._offsets[0]]
        return self._placed(track, time), True

    def _fitting(self, track: int, time: int) -> int | None:
        last = self._last.get(track)
        if last is None:
            return time if not self._last or abs(time - self.now) <= APART else None
        if time < last - BACK or time > self.now + FAR:
            return None
        return max(time, last)

    def _placed(self, track: int, time: int) -> int:
        time = max(time, 0)
        if track in self._last and 0 < time - self._last[track] < FAR:
            self._gap[track] = time - self._last[track]
        self._last[track] = time
        return time


def _signed(difference: int) -> int:
    """The shortest way between two stamps that wrap at 2³²."""
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)
