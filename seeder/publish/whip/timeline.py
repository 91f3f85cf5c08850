"""One clock for a publisher's tracks. Pure.

Each RTP stream counts from a number of its own. Until the publisher's reports say how the two are related, a
track begins when its first packet came; then the video follows the audio, which nobody may hear jump.
"""

from __future__ import annotations

from seeder.publish.whip.packets import SenderReport, unrolled

JUMP = 5.0
"""Seconds by which a track may go ahead of the clock on our wall, or stand still, from one frame to the next.
Beyond that its clock was set anew."""
STEP = 0.015
"""Seconds between sound and picture that are left alone: what reports are exact to."""
ABSURD = 10.0
"""A report that says the tracks are so far apart is wrong: nobody would have waited for the later."""


class _Track:
    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.last = 0
        """Ticks, turns included."""
        self.begun = False
        self.offset = 0.0
        """Seconds at tick 0."""
        self.came = 0.0
        self.origin: float | None = None
        """The publisher's clock at tick 0, by its reports."""

    def unroll(self, timestamp: int) -> int:
        return unrolled(timestamp, self.last, 32) if self.begun else timestamp


class Timeline:
    """``rates``: ticks a second of each kind of media."""

    def __init__(self, rates: dict[str, int]) -> None:
        self._tracks = {kind: _Track(rate) for kind, rate in rates.items()}
        self._begun: float | None = None

    def at(self, kind: str, timestamp: int, now: float) -> float:
        """Seconds since the beginning, never negative, of a frame that came at ``now``."""
        track = self._tracks[kind]
        if self._begun is None:
            self._begun = now
        ticks = track.unroll(timestamp)
        passed = (ticks - track.last) / track.rate
        if not track.begun or abs(passed - (now - track.came)) > JUMP:
            track.offset = now - self._begun - ticks / track.rate
            track.begun, track.origin = True, None
        track.last, track.came = ticks, now
        return max(0.0, ticks / track.rate + track.offset)

    def report(self, kind: str, report: SenderReport) -> None:
        """The publisher says what its clocks show."""
        track = self._tracks[kind]
        if not track.begun:
            return
        track.origin = report.seconds - track.unroll(report.timestamp) / track.rate
        audio, video = self._tracks.get("audio"), self._tracks.get("video")
        if audio is None or video is None or audio.origin is None or video.origin is None:
            return
        offset = audio.offset + video.origin - audio.origin
        if STEP < abs(offset - video.offset) < ABSURD:
            video.offset = offset
