"""A publisher's tags on their way into a :class:`~seeder.ingest.supply.Supply`: headers kept, times right.

Pure but for the last function.
"""

from __future__ import annotations

from dataclasses import dataclass

from seeder.ingest.supply import Supply
from seeder.publish import amf
from seeder.publish.flv import codecs
from seeder.publish.flv.codecs import Role
from seeder.publish.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, header, written
from seeder.publish.flv.timing import Timeline

TURN = 10_000
"""Milliseconds of media between two new beginnings at least: each costs a start of ffmpeg."""
CHANGE = 2_000
"""… where a codec or its header changed: until then its frames are left out, ffmpeg could not use them."""
LATE = 3_000
"""Milliseconds after which a track that was not there at first is one that ffmpeg does not expect."""
LONG = 1 << 30
"""Milliseconds (12 days) after which times start at 0 again: FLV has a sign in the last bit."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What :meth:`Supply.write` takes."""

    data: bytes
    entry: bool
    head: bytes | None = None
    """The head from here on; None: as before."""
    anew: bool = False
    """A new ffmpeg has to begin here."""
    look: bool = False
    """… and to look at what is inside."""


@dataclass(frozen=True, slots=True)
class _Track:
    codec: str
    header: bytes = b""
    """The body of the tag that its decoder needs first, if it needs one."""


class Media:
    """One publisher's."""

    def __init__(self) -> None:
        self._metadata = b""
        self._sent: dict[int, _Track] = {}  # by kind of tag: what comes
        self._known: dict[int, _Track] = {}  # … and what ffmpeg was told
        self._timeline = Timeline()
        self._begun = False
        self._keyed = False  # video can be decoded
        self._turned = 0  # where on the timeline ffmpeg began last
        self._jumped = False  # since then

    @property
    def head(self) -> bytes:
        """What every reader needs first."""
        tracks = ((kind, self._known.get(kind)) for kind in (VIDEO, AUDIO))
        headers = (written(Tag(kind, 0, track.header)) for kind, track in tracks if track and track.header)
        return b"".join((header(), self._metadata, *headers))

    def add(self, tag: Tag) -> Chunk | None:
        """What goes to ffmpeg. Raises :class:`RefusedError` for media that cannot be used."""
        kind = tag.kind
        if kind == SCRIPT and not self._begun:
            self._metadata = _described(tag.body)
        if kind not in (AUDIO, VIDEO):
            return None
        content = codecs.video(tag.body) if kind == VIDEO else codecs.audio(tag.body)
        if content.role is Role.HEADER:
            self._sent[kind] = _Track(content.codec, tag.body)
        if content.role in (Role.HEADER, Role.NOTHING):
            return None
        if kind not in self._sent or self._sent[kind].codec != content.codec:
            if content.headed:
                return None  # nobody can decode it
            self._sent[kind] = _Track(content.codec)
        if kind == VIDEO and not self._keyed and content.role is not Role.KEY:
            return None
        time, jumped = self._timeline.place(kind, tag.timestamp)
        self._jumped |= jumped
        # Where there is video, ffmpeg begins with that.
        entry = content.role is Role.KEY and (kind == VIDEO or VIDEO not in self._sent)
        if entry and self._turns(time):
            return self._turn(tag, time)
        return self._passed(tag, time, entry)

    def _passed(self, tag: Tag, time: int, entry: bool) -> Chunk | None:
        track = self._sent[tag.kind]
        data = written(Tag(tag.kind, time, tag.body))
        new = tag.kind not in self._known and (not self._begun or time - self._turned <= LATE)
        if new:
            self._known[tag.kind] = track
            if self._begun and track.header:
                data = written(Tag(tag.kind, time, track.header)) + data
        if self._known.get(tag.kind) != track:
            return None  # until the next turn
        self._keyed |= tag.kind == VIDEO
        self._begun = True
        return Chunk(data, entry, self.head if new else None)

    def _turns(self, time: int) -> bool:
        """Whether a new ffmpeg begins with the frame at ``time``."""
        if not self._begun:
            return False
        since = time - self._turned
        if any(self._known.get(kind) != track for kind, track in self._sent.items()):
            new = self._sent.keys() - self._known.keys()
            return since > LATE if new else since >= CHANGE
        return since >= TURN and (self._jumped or time > LONG)

    def _turn(self, tag: Tag, time: int) -> Chunk:
        old = {kind: track.codec for kind, track in self._known.items()}
        self._known = dict(self._sent)
        self._timeline.begin_again(time)
        self._turned, self._jumped = 0, False
        self._keyed = VIDEO in self._known
        look = old != {kind: track.codec for kind, track in self._known.items()}
        return Chunk(written(Tag(tag.kind, 0, tag.body)), True, self.head, True, look)


def _described(body: bytes) -> bytes:
    """onMetaData with what ffmpeg cannot learn from the frames, and nothing else: encoders put a duration,
    names and even keys there. Empty for what is none."""
    try:
        values = amf.decode(body)
    except amf.AmfError:
        return b""
    if "onMetaData" not in values[:2] or not isinstance(values[-1], dict):
        return b""
    rate = values[-1].get("framerate")
    if not isinstance(rate, float) or not 0 < rate <= 1000:
        return b""
    return written(Tag(SCRIPT, 0, amf.encode("onMetaData") + amf.ecma_array({"framerate": rate})))


async def carried(supply: Supply, media: Media, tag: Tag) -> None:
    """``tag`` on its way. Raises :class:`RefusedError`; safe to cancel."""
    if (chunk := media.add(tag)) is not None:
        await supply.write(chunk.data, chunk.entry, head=chunk.head, anew=chunk.anew, look=chunk.look)
