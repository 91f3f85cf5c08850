"""A publisher's tags on their way into a :class:`~seeder.ingest.supply.Supply`: headers kept, times right.

Pure but for the last function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
WAIT = 1_500
"""Milliseconds of media that wait for the other track's beginning: FLV's header says which there are, and
ffmpeg waits long for one that never comes."""
PROMISED = 5_000
"""… where metadata or a header has promised it: x264's look-ahead alone may take two seconds (GStreamer)."""
MOST_WAITING = 4 << 20
"""Bytes that wait so, whatever their times say."""
OPTIONS = ("-analyzeduration", "1000000")
"""ffmpeg's, for what :class:`Media` gives: all is said in the head; one track alone would be looked at for
five seconds in case another comes."""
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
        self._promised: frozenset[int] = frozenset()  # kinds of tags, by the metadata
        self._sent: dict[int, _Track] = {}  # by kind of tag: what comes
        self._known: dict[int, _Track] = {}  # … and what ffmpeg was told
        self._timeline = Timeline()
        self._waiting: list[Chunk] | None = []  # None once the head is settled
        self._turned = 0  # where on the timeline ffmpeg began last
        self._jumped = False  # since then

    @property
    def head(self) -> bytes:
        """What every reader needs first."""
        tracks = ((kind, self._known.get(kind)) for kind in (VIDEO, AUDIO))
        headers = (written(Tag(kind, 0, track.header)) for kind, track in tracks if track and track.header)
        flags = header(audio=AUDIO in self._known, video=VIDEO in self._known)
        return b"".join((flags, self._metadata, *headers))

    def add(self, tag: Tag) -> list[Chunk]:
        """What goes to ffmpeg. Raises :class:`RefusedError` for media that cannot be used."""
        kind = tag.kind
        if kind == SCRIPT and not self._known:
            self._metadata, self._promised = _described(tag.body)
        if kind not in (AUDIO, VIDEO):
            return []
        content = codecs.video(tag.body) if kind == VIDEO else codecs.audio(tag.body)
        if content.role is Role.HEADER:
            self._sent[kind] = _Track(content.codec, tag.body)
        if content.role in (Role.HEADER, Role.NOTHING):
            return []
        if kind not in self._sent or self._sent[kind].codec != content.codec:
            if content.headed:
                return []  # nobody can decode it
            self._sent[kind] = _Track(content.codec)
        if kind == VIDEO and VIDEO not in self._known and content.role is not Role.KEY:
            return []
        time, jumped = self._timeline.place(kind, tag.timestamp)
        self._jumped |= jumped
        # Where there is video, ffmpeg begins with that.
        entry = content.role is Role.KEY and (kind == VIDEO or VIDEO not in self._sent)
        if self._waiting is not None:
            self._known[kind] = self._sent[kind]
            self._waiting.append(Chunk(written(Tag(kind, time, tag.body)), entry))
            return self._settled(self._waiting)
        if entry and self._turns(time):
            return [self._turn(tag, time)]
        if self._known.get(kind) != self._sent[kind]:
            return []  # until the next turn
        return [Chunk(written(Tag(kind, time, tag.body)), entry)]

    def _settled(self, waiting: list[Chunk]) -> list[Chunk]:
        """What has waited, once it is known which tracks there are."""
        known = self._known.keys()
        patience = PROMISED if (self._promised | self._sent.keys()) - known else WAIT
        full = self._timeline.now >= patience or sum(len(chunk.data) for chunk in waiting) > MOST_WAITING
        if not full and known != self._promised and known != {AUDIO, VIDEO}:
            return []
        self._waiting = None
        return [replace(waiting[0], head=self.head), *waiting[1:]]

    def _turns(self, time: int) -> bool:
        """Whether a new ffmpeg begins with the frame at ``time``."""
        since = time - self._turned
        if any(self._known.get(kind) != track for kind, track in self._sent.items()):
            return since >= CHANGE
        return since >= TURN and (self._jumped or time > LONG)

    def _turn(self, tag: Tag, time: int) -> Chunk:
        look = self._known != self._sent  # a header may tell of another size, which asks for other variants
        self._known = dict(self._sent)
        self._timeline.begin_again(time)
        self._turned, self._jumped = 0, False
        return Chunk(written(Tag(tag.kind, 0, tag.body)), True, self.head, True, look)


def _described(body: bytes) -> tuple[bytes, frozenset[int]]:
    """onMetaData with what ffmpeg cannot learn from the frames, and nothing else: encoders put a duration,
    names and even keys there; and the kinds of tags it promises. Both empty for what is none."""
    try:
        values = amf.decode(body)
    except amf.AmfError:
        values = []
    if "onMetaData" not in values[:2] or not isinstance(said := values[-1], dict):
        return b"", frozenset()
    kinds = frozenset(
        kind for kind, name in ((AUDIO, "audiocodecid"), (VIDEO, "videocodecid")) if said.get(name)
    )
    rate = said.get("framerate")
    if not isinstance(rate, float) or not 0 < rate <= 1000:
        return b"", kinds
    return written(Tag(SCRIPT, 0, amf.encode("onMetaData") + amf.ecma_array({"framerate": rate}))), kinds


async def carried(supply: Supply, media: Media, tag: Tag) -> None:
    """``tag`` on its way. Raises :class:`RefusedError`; safe to cancel."""
    for chunk in media.add(tag):
        await supply.write(chunk.data, chunk.entry, head=chunk.head, anew=chunk.anew, look=chunk.look)
