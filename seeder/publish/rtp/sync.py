"""What the time stamps of several tracks mean on one clock: ffmpeg goes by the sender reports it gets. Pure.

Reports come late (GStreamer's first after two seconds) and one track after the other, and ffmpeg moves a
track at each of them. So it gets ours instead: at first by when packets arrived, once all tracks have reports
by those. The lead track goes on without a jump for ever, others are moved only when they are out of step.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

OUT_OF_STEP = 0.04
"""Seconds between picture and sound that people notice (ITU-R BT.1359: 45 ms); what is less stays."""
ANEW = 60
"""Seconds of media after which a track is told again: ffmpeg counts in 31 bits, which are six hours."""
SR = 200
"""RFC 3550 section 6.4.1."""
_SECOND = 1 << 32  # NTP's unit


class _Track:
    def __init__(self, clock: int) -> None:
        self.clock = clock
        self.guess: tuple[int, int] | None = None  # time stamp, our NTP time: of the packet least delayed
        self.said: tuple[int, int] | None = None  # time stamp, NTP time: of the last report
        self.told: tuple[int, int] | None = None  # … and as ffmpeg has it

    def at(self, known: tuple[int, int], stamp: int) -> int:
        """The NTP time of ``stamp``."""
        ahead = (stamp - known[0] + (1 << 31)) % (1 << 32) - (1 << 31)
        return known[1] + ahead * _SECOND // self.clock


class Sync:
    """Of one publisher. ``clocks`` in Hz; every packet it returns is for ffmpeg, at once."""

    def __init__(self, clocks: Sequence[int], lead: int) -> None:
        self._tracks = [_Track(clock) for clock in clocks]
        self._lead = lead

    def begin(self) -> list[tuple[int, bytes]]:
        """A new ffmpeg: what it has to know of each track (its number, a report)."""
        for track in self._tracks:
            track.told = None
        reported = all(track.said for track in self._tracks)
        for track in self._tracks:
            track.told = track.said if reported else track.guess
        return [(n, _report(track.told)) for n, track in enumerate(self._tracks) if track.told]

    def packet(self, number: int, stamp: int, arrival: float) -> bytes | None:
        """Of RTP; ``arrival`` in seconds on any clock."""
        track, now = self._tracks[number], int(arrival * _SECOND)
        if track.guess is None or now < track.at(track.guess, stamp):
            track.guess = (stamp, now)
        if track.told is None or abs(track.at(track.told, stamp) - track.told[1]) < ANEW * _SECOND:
            return None
        track.guess = (stamp, track.at(track.guess, stamp))
        track.told = (stamp, track.at(track.told, stamp))
        return _report(track.told)

    def first(self, number: int) -> bytes | None:
        """Before ffmpeg gets the first packet of a track that it was told nothing of."""
        track = self._tracks[number]
        if track.told is not None or track.guess is None:
            return None
        track.told = track.guess
        return self._step(track) or _report(track.told)

    def report(self, number: int, compound: bytes) -> bytes | None:
        """Of the publisher."""
        if len(compound) < 28 or compound[1] != SR or compound[0] >> 6 != 2:
            return None
        ntp, stamp = struct.unpack("!QI", compound[8:20])
        if not ntp:  # it has no clock
            return None
        track = self._tracks[number]
        track.said = (stamp, ntp)
        return self._step(track)

    def _step(self, track: _Track) -> bytes | None:
        """Where it is out of step with the lead."""
        lead = self._tracks[self._lead]
        if not (track.told and track.said and lead.told and lead.said):
            return None
        # The lead's reports are on the publisher's clock, what ffmpeg was told need not be.
        ahead = lead.at(lead.said, lead.told[0]) - lead.told[1]
        stamp, ntp = track.said
        if abs(ntp - ahead - track.at(track.told, stamp)) < OUT_OF_STEP * _SECOND:
            return None
        track.told = (stamp, ntp - ahead)
        return _report(track.told)


def _report(told: tuple[int, int]) -> bytes:
    return struct.pack("!BBHIQIII", 0x80, SR, 6, 1, told[1] % (1 << 64), told[0], 0, 0)
