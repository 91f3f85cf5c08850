"""One track's way from packets to frames, and what its publisher is told of it. Pure."""

from __future__ import annotations

from seeder.publish.whip import feedback
from seeder.publish.whip.answer import Track
from seeder.publish.whip.frames import Frame, assembler
from seeder.publish.whip.order import Order
from seeder.publish.whip.packets import Packet, SenderReport, original

PATIENCE = {"video": 0.6, "audio": 0.2}
"""Seconds that a lost packet is waited for: some retransmissions; without them a picture, or 20 ms of sound,
is missing. Viewers are seconds behind anyway."""
HASTE = 0.3
"""Seconds between two requests for a key frame that is missed; encoders would make one for each."""
NEW_SOURCE = 1.0
"""Seconds without a packet of the old source before another one takes its place."""


class Receiver:
    """Of one track. Times are seconds of one clock that never goes back."""

    def __init__(self, track: Track, refresh: float) -> None:
        """``refresh``: seconds between two key frames."""
        self.kind = track.media.kind
        self.codec = track.codec.name
        self.rate = track.codec.rate
        self.ssrc: int | None = None
        self.latest: SenderReport | None = None
        self._track = track
        self._refresh = refresh
        self._order = Order(PATIENCE[self.kind])
        self._assembler = assembler(self.codec)
        self._asked = float("-inf")
        self._heard = 0.0
        self._base = self._count = 0
        self._expected = self._received = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._reported = 0.0

    def takes(self, packet: Packet) -> bool:
        return packet.payload_type in (self._track.codec.payload, self._track.rtx)

    def add(self, packet: Packet, now: float) -> list[Frame]:
        """The frames that are whole with it."""
        if packet.payload_type == self._track.rtx:
            repeated = original(packet, self._track.codec.payload)
            if repeated is None or self.ssrc is None:
                return []
            packet = repeated
        elif packet.ssrc != self.ssrc:
            if self.ssrc is not None and now - self._heard < NEW_SOURCE:
                return []
            self._begin(packet)
        else:
            self._clock(packet, now)
            self._count += 1
        self._heard = now
        if not self._order.add(packet, now):
            self._begin(packet)
            self._order.add(packet, now)
        return self._frames(now)

    def tick(self, now: float) -> list[Frame]:
        """What comes out because waiting for it was given up."""
        return self._frames(now) if self._order.waits else []

    def report(self, report: SenderReport, now: float) -> None:
        self.latest, self._reported = report, now

    def asks(self, ours: int, now: float) -> list[bytes]:
        """RTCP to send now: for lost packets, for a key frame."""
        if self.ssrc is None or self.kind != "video":
            return []
        out = []
        if self._order.waits and (lost := self._order.wanted(now)):
            out.append(feedback.missing(ours, self.ssrc, lost))
        since = now - self._asked
        if since >= self._refresh or (self._assembler.broken and since >= HASTE):
            self._asked = now
            out.append(feedback.picture_loss(ours, self.ssrc))
        return out

    def refresh(self) -> None:
        """A key frame is wanted now."""
        self._asked = float("-inf")

    def block(self, now: float) -> bytes | None:
        """Of a receiver report (RFC 3550, appendix A.3)."""
        if self.ssrc is None:
            return None
        expected = self._order.highest - self._base + 1
        due, came = expected - self._expected, self._count - self._received
        self._expected, self._received = expected, self._count
        fraction = max(0, min(255, (due - came) * 256 // due)) if due > 0 else 0
        report = self.latest
        return feedback.block(
            self.ssrc, fraction, expected - self._count, self._order.highest, int(self._jitter),
            report.middle if report else 0, now - self._reported,
        )  # fmt: skip

    def _begin(self, packet: Packet) -> None:
        self.ssrc, self.latest = packet.ssrc, None
        self._order = Order(PATIENCE[self.kind])
        self._assembler = assembler(self.codec)
        self._base, self._count, self._expected, self._received = packet.sequence, 1, 0, 0
        self._transit, self._jitter = None, 0.0
        self._asked = float("-inf")

    def _clock(self, packet: Packet, now: float) -> None:
        """RFC 3550 §6.4.1."""
        transit = now * self.rate - packet.timestamp
        if self._transit is not None:
            self._jitter += (min(abs(transit - self._transit), self.rate) - self._jitter) / 16
        self._transit = transit

    def _frames(self, now: float) -> list[Frame]:
        found = (self._assembler.add(packet) for packet in self._order.take(now))
        return [frame for frame in found if frame is not None and frame.data]
