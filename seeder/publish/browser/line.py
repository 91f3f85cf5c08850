"""A recorder's time stamps, put on one line that only ever goes on. Pure.

Recorders begin anywhere, repeat and go back a little, and jump when a machine has slept; ffmpeg would make a
frame of an hour out of such a jump. What comes behind one is moved to where the last frame ended.
"""

from __future__ import annotations

from seeder.publish.browser.frames import Kind

FAR = 2_000_000
"""µs that a stamp may be ahead of the clock on our wall; more is a jump. Where nothing happened for a while,
as on a still screen, it is none."""
BACK = 500_000
"""µs backward in one track that are a jump; less is disorder."""
APART = 2_000_000
"""µs that a track may begin before or after where the other is; a sound that comes late is stamped late."""
USUAL = 20_000
"""µs a frame takes when nothing is known of the last one."""


class Line:
    """Times of tracks, in µs from about 0."""

    def __init__(self) -> None:
        self._last: dict[Kind, int] = {}  # on our line
        self._gap: dict[Kind, int] = {}  # between the last two
        self._came = 0.0  # when the last frame did, of any track
        # From stamps to our line: the one in force, and the one before it, which a track that comes later
        # than the other over a jump still has.
        self._offsets: list[int] = []

    @property
    def now(self) -> int:
        """The latest."""
        return max(self._last.values(), default=0)

    def begin_again(self, at: int) -> None:
        """``at`` is 0 from now on."""
        self._offsets = [offset - at for offset in self._offsets]
        self._last = {kind: last - at for kind, last in self._last.items()}

    def place(self, kind: Kind, stamp: int, came: float, stride: int = 0) -> tuple[int, bool]:
        """Where ``stamp``, which came at ``came`` (seconds), is on our line, and whether it jumped there.
        ``stride``: see :class:`~seeder.publish.browser.container.Reader`."""
        if not self._offsets:
            self._offsets, self._came = [-stamp], came
        passed = round((came - self._came) * 1_000_000)
        self._came = came
        for offset in self._offsets:
            if self._fits(kind, stamp + offset, passed, stride):
                return self._placed(kind, stamp + offset), False
        time = max(self.now, self._last.get(kind, 0)) + self._gap.get(kind, USUAL)
        self._offsets = [time - stamp, self._offsets[0]]
        return self._placed(kind, time), True

    def _fits(self, kind: Kind, time: int, passed: int, stride: int) -> bool:
        last = self._last.get(kind)
        if last is None:
            return not self._last or abs(time - self.now) <= APART + stride + passed
        return last - BACK <= time <= self.now + FAR + stride + passed

    def _placed(self, kind: Kind, time: int) -> int:
        if kind in self._last and 0 < time - self._last[kind] < FAR:
            self._gap[kind] = time - self._last[kind]
        self._last[kind] = max(time, self._last.get(kind, time))
        return time
