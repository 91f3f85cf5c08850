"""A publisher's packets → what ffmpeg reads: the tracks together. Pure."""

from __future__ import annotations

from seeder.publish.whip import matroska
from seeder.publish.whip.answer import Track
from seeder.publish.whip.feedback import Arrivals, receiver_report
from seeder.publish.whip.frames import Frame
from seeder.publish.whip.matroska import AUDIO, VIDEO, Clusters, Setup
from seeder.publish.whip.packets import Bye, parse, reports
from seeder.publish.whip.receiver import Receiver
from seeder.publish.whip.timeline import Timeline

TOGETHER = 3.0
"""Seconds that one track waits for the other at the beginning: the head names both. One that comes later is
left out until the publisher comes again."""
TELL = 1.0
"""Seconds between two receiver reports."""
MOST_HELD = 512
"""Frames held at the beginning: sound of ten seconds."""

Chunk = tuple[bytes, bool]


class Carrier:
    """Of one publisher. Times are seconds of one clock that never goes back."""

    def __init__(self, tracks: tuple[Track, ...], ours: int, refresh: float) -> None:
        """``ours``: the SSRC that we send reports by; ``refresh``: seconds between two key frames."""
        self.head = b""
        """What every ffmpeg reads first; empty until the media is known."""
        self.left = False
        """The publisher has said that it stops."""
        self._receivers = [Receiver(track, refresh) for track in tracks]
        self._timeline = Timeline({one.kind: one.rate for one in self._receivers})
        self._twcc = next((track.media.twcc for track in tracks if track.media.twcc is not None), None)
        self._arrivals = Arrivals()
        self._ours = ours
        self._told = 0.0
        self._since: float | None = None
        self._first: list[tuple[str, float, Frame]] = []
        self._setup = Setup()
        self._clusters: Clusters | None = None

    @property
    def video(self) -> bool:
        return any(one.kind == "video" for one in self._receivers)

    def media(self, data: bytes, now: float) -> list[Chunk]:
        """RTP came: the bytes for ffmpeg, each with whether one can begin with it."""
        packet = parse(data, self._twcc)
        if packet is None:
            return []
        if packet.transport is not None:
            self._arrivals.add(packet.transport, now)
        for receiver in self._receivers:
            if receiver.takes(packet):
                return self._put(receiver, receiver.add(packet, now), now)
        return []

    def control(self, data: bytes, now: float) -> None:
        """RTCP came."""
        for report in reports(data):
            if isinstance(report, Bye):
                known = {one.ssrc for one in self._receivers}
                self.left = self.left or known <= set(report.ssrcs)
                continue
            for receiver in self._receivers:
                if receiver.ssrc == report.ssrc:
                    receiver.report(report, now)
                    self._timeline.report(receiver.kind, report)

    def tick(self, now: float) -> tuple[list[Chunk], list[bytes]]:
        """A moment has passed: bytes for ffmpeg, and RTCP to send."""
        chunks: list[Chunk] = []
        asks: list[bytes] = []
        for receiver in self._receivers:
            chunks += self._put(receiver, receiver.tick(now), now)
            asks += receiver.asks(self._ours, now)
        if self._clusters is None:
            chunks += self._open(now)
        known = next((one.ssrc for one in self._receivers if one.ssrc is not None), None)
        if known is None:
            return chunks, []
        asks += self._arrivals.messages(self._ours, known)
        blocks: list[bytes] = []
        if now - self._told >= TELL:
            self._told = now
            blocks = [block for one in self._receivers if (block := one.block(now)) is not None]
        empty = receiver_report(self._ours, [])
        out = [receiver_report(self._ours, blocks)] if blocks else []
        return chunks, out + [empty + ask for ask in asks]

    def refresh(self) -> None:
        """A key frame is wanted now."""
        for receiver in self._receivers:
            receiver.refresh()

    def _put(self, receiver: Receiver, frames: list[Frame], now: float) -> list[Chunk]:
        chunks: list[Chunk] = []
        for frame in frames:
            at = self._timeline.at(receiver.kind, frame.timestamp, now)
            if self._since is None:
                self._since = now
            if receiver.kind == "video" and frame.key:
                self._learn(frame)
            if self._clusters is not None:
                chunks += self._write(receiver.kind, at, frame)
            elif len(self._first) < MOST_HELD:
                self._first.append((receiver.kind, at, frame))
        return chunks + self._open(now) if frames and self._clusters is None else chunks

    def _learn(self, frame: Frame) -> None:
        """A key frame says what a decoder must know; the next ffmpeg begins with the newest."""
        size = frame.size if self._setup.size == (0, 0) else self._setup.size
        changed = Setup(self._setup.video, size, frame.setup, self._setup.audio)
        if self.head and changed != self._setup:
            self._setup = changed
            self.head = matroska.head(changed)

    def _open(self, now: float) -> list[Chunk]:
        """Write the head, once every track has come, or enough time has passed."""
        if self._since is None:
            return []
        come = {kind for kind, _, _ in self._first}
        if len(come) < len(self._receivers) and now - self._since < TOGETHER:
            return []
        codecs = {one.kind: one.codec for one in self._receivers if one.kind in come}
        key = next((frame for kind, _, frame in self._first if kind == "video"), None)
        size, setup = (key.size, key.setup) if key else ((0, 0), b"")
        self._setup = Setup(codecs.get("video", ""), size, setup, codecs.get("audio", ""))
        self.head = matroska.head(self._setup)
        self._clusters = Clusters(video="video" in come)
        first, self._first = self._first, []
        # What came before the first picture would be a sound to a picture that stands.
        begin = min((at for kind, at, _ in first if kind == "video"), default=0.0)
        return [
            chunk for kind, at, frame in first if at >= begin - 0.5 for chunk in self._write(kind, at, frame)
        ]

    def _write(self, kind: str, at: float, frame: Frame) -> list[Chunk]:
        assert self._clusters is not None
        if not (self._setup.video if kind == "video" else self._setup.audio):
            return []
        return [self._clusters.add(VIDEO if kind == "video" else AUDIO, at, frame.data, frame.key)]
