"""A recorder's bytes on their way into a :class:`~seeder.ingest.supply.Supply`. Pure."""

from __future__ import annotations

from dataclasses import replace

from seeder.publish.browser import codecs, h264
from seeder.publish.browser.container import Container
from seeder.publish.browser.frames import VIDEO, Frame, Header, Kind, Track
from seeder.publish.browser.part import Chunk, Part
from seeder.publish.claim import RefusedError

TURN = 10.0
"""Seconds between two new beginnings at least, where a clock jumped: each costs a start of ffmpeg."""
CHANGE = 2.0
"""… where a codec changed or a track came: until then its frames are left out, ffmpeg could not use them."""


class Media:
    """One publisher's, of one recorder after the other. ``patience``: seconds that a second key frame of
    H.264 is waited for. Times are seconds of a clock that never goes back."""

    def __init__(self, patience: float) -> None:
        self._patience = round(patience * 1_000_000)
        self._container = Container()
        self._tracks: dict[Kind, Track] = {}
        self._width = 0  # bytes of the lengths in H.264; 0: it has start codes, as Chromium's Matroska
        self._seen: set[Kind] = set()
        self._part: Part | None = None
        self.begun = False
        """Something of it went to ffmpeg."""

    def anew(self) -> None:
        """Another recorder begins; what the last one left unfinished is dropped."""
        self._container = Container()
        self._tracks, self._part = {}, None

    def feed(self, data: bytes, came: float) -> list[Chunk]:
        """What goes to ffmpeg. Raises :class:`RefusedError` for media that cannot be used."""
        chunks: list[Chunk] = []
        for event in self._container.feed(data):
            if isinstance(event, Header):
                self._begin(event)
            elif (frame := self._clean(event)) is not None:
                chunks += self._add(frame, came)
                self.begun = self.begun or bool(chunks)
        return chunks

    def finish(self, came: float) -> list[Chunk]:
        """Nothing more comes: what was held back."""
        return [] if self._part is None else self._part.settled(came)

    def _begin(self, header: Header) -> None:
        for track in header.tracks:
            codecs.check(track)
        if not header.tracks:
            raise RefusedError("there is neither a picture nor a sound in it", 415)
        self._tracks = {track.kind: track for track in header.tracks}
        private = next((track.private for track in header.tracks if track.codec == codecs.H264), b"")
        self._width = (private[4] & 3) + 1 if len(private) >= 7 else 0
        self._seen, self._part = set(), None

    def _clean(self, frame: Frame) -> Frame | None:
        """H.264 as MP4 has it; what its key frames say is what is known of it."""
        track = self._tracks[frame.kind]
        if track.codec != codecs.H264:
            return frame
        if self._width:
            units = h264.split(frame.data, self._width) if frame.key else []
        else:
            units = h264.units(frame.data)
            frame = frame._replace(data=h264.sized(units))
        found = h264.parameters(units) if frame.key else b""
        if found and found != h264.alone(track.private):
            found = found[:4] + bytes((0xFC | max(self._width, 4) - 1,)) + found[5:]
            self._tracks[frame.kind] = replace(track, private=found)
        return frame if self._tracks[frame.kind].private else None

    def _add(self, frame: Frame, came: float) -> list[Chunk]:
        kind = frame.kind
        self._seen.add(kind)
        part = self._part
        if part is not None and part.known and frame.key and (kind == VIDEO or VIDEO not in self._seen):
            # Where there is a picture, ffmpeg begins with that.
            changed = part.missing or self._differs(part, kind)
            lasted = part.lasted(came)
            if (changed and lasted >= CHANGE) or (part.jumped and lasted >= TURN):
                part = None
        if part is None:
            part = self._part = Part(self._tracks, self._patience, self.begun, came)
        part.learn(self._tracks[kind])
        if kind in part.known and self._differs(part, kind):
            return []  # until the next turn
        return part.add(frame, came, self._container.stride)

    def _differs(self, part: Part, kind: Kind) -> bool:
        return bool(part.known) and part.known.get(kind) != self._tracks[kind]
