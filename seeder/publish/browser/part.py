"""What one head holds for: from where a recorder, its codecs or its clock began anew to where they do next.

The first moments are held back until it is known what there is: which of the promised tracks really come, how
many frames a second, how far the key frames of H.264 are apart, for that decides whether it is copied. So
nobody has to look at it again. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from seeder.ingest.probe import Probe
from seeder.ingest.supply import Known
from seeder.publish.browser import codecs, matroska
from seeder.publish.browser.frames import AUDIO, VIDEO, Frame, Kind, Track
from seeder.publish.browser.line import Line
from seeder.publish.browser.matroska import Clusters

WAIT = 1_500_000
"""µs that a promised track is waited for, where no silence can stand for it."""
LOOK = 400_000
"""µs of pictures after which their rate is known; ffmpeg makes up for them at once."""
MOST_WAITING = 8 << 20
"""Bytes held back, whatever their times say."""
LAG = 1_000_000
"""µs that sound may stay behind the picture before silence takes its place: ffmpeg gives nothing out before
it has both."""
MOST_LAG = 5_000_000
"""… where it is seen to come later."""
LONG = 200_000
"""µs: no frame of sound lasts longer (Opus: 120 ms)."""
ENTRY = 1_000_000
"""µs between two places where a new ffmpeg can begin, of sound alone."""
VARIES = 0
"""What is not H.264 is encoded as high as it begins, for its size changes without a word."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What :meth:`Supply.write` takes."""

    data: bytes
    entry: bool
    head: bytes | None = None
    """The head from here on; None: as before."""
    anew: bool = False
    """A new ffmpeg has to begin here, and to plan anew."""
    known: Known | None = None
    """What is inside, with a new head."""


@dataclass(frozen=True, slots=True)
class _Held:
    frame: Frame
    time: int
    """µs on our line."""


class Part:
    """``tracks``: those promised; ``patience``: µs to wait for a second key frame of H.264; ``anew``: there
    was another before it; ``came``: seconds, now."""

    def __init__(self, tracks: Mapping[Kind, Track], patience: int, anew: bool, came: float) -> None:
        self.known: dict[Kind, Track] = {}
        """What ffmpeg was told of; empty while that is not settled."""
        self.missing = False
        """A track comes of which it was not told."""
        self.jumped = False
        self._tracks = dict(tracks)
        self._patience = patience
        self._anew = anew
        self._since = came
        self._line = Line()
        self._held: list[_Held] | None = []
        self._size = 0
        self._clusters = Clusters()
        self._silence: tuple[bytes, int] | None = None
        self._heard = 0  # µs at which the sound so far ends
        self._filled = 0  # … where that is silence of ours
        self._step = codecs.SLICE  # µs of a frame of sound
        self._lag = LAG
        self._entered: int | None = None

    def lasted(self, came: float) -> float:
        """Seconds, by the media or by our clock: whichever says less."""
        return min(self._line.now / 1_000_000, came - self._since)

    def learn(self, track: Track) -> None:
        """What a frame itself says of its track. What is held back of another cannot be used any more."""
        if self.known or self._tracks.get(track.kind) == track:
            return
        self._tracks[track.kind] = track
        if any(one.frame.kind == track.kind for one in self._held or ()):
            self._held, self._size = [], 0

    def add(self, frame: Frame, came: float, stride: int) -> list[Chunk]:
        """What goes to ffmpeg. Safe to call with frames of tracks that were not promised."""
        if self._held is not None and not self._begins(frame):
            return []
        time, jumped = self._line.place(frame.kind, frame.time, came, stride)
        self.jumped |= jumped
        if self._held is not None:
            self._held.append(_Held(frame, time))
            self._size += len(frame.data)
            return self.settled(came) if self._enough(self._held, came) else []
        if frame.kind not in self.known:
            self.missing = True
            return []
        return self._written(frame, time, stride)

    def settled(self, came: float) -> list[Chunk]:
        """What was held back, with its head: all that will be known is known."""
        held, self._held = self._held, None
        if not held:
            return []
        come = {one.frame.kind for one in held}
        sound = self._tracks.get(AUDIO)
        self._silence = codecs.silence(sound) if sound is not None and VIDEO in come else None
        self.known = {
            kind: track for kind, track in self._tracks.items()
            if kind in come or (kind == AUDIO and self._silence is not None)
        }  # fmt: skip
        # What came before the first picture would be a sound to a picture that stands.
        begin = next((one.time for one in held if one.frame.kind == VIDEO), held[0].time)
        self._line.begin_again(begin)
        head = matroska.head([self.known[kind] for kind in (VIDEO, AUDIO) if kind in self.known])
        chunks: list[Chunk] = []
        for one in held:
            if one.time >= begin:
                chunks += self._written(one.frame, one.time - begin, 0)
        return [replace(chunks[0], head=head, anew=self._anew, known=self._seen(held)), *chunks[1:]]

    def _begins(self, frame: Frame) -> bool:
        """Pictures are held from a key frame on."""
        held = self._held or ()
        return frame.kind == AUDIO or frame.key or any(one.frame.kind == VIDEO for one in held)

    def _enough(self, held: list[_Held], came: float) -> bool:
        """All that is to be known is, or will not be soon."""
        if self._size > MOST_WAITING:
            return True
        waited = max(self._line.now - held[0].time, round((came - self._since) * 1_000_000))
        pictures = [one for one in held if one.frame.kind == VIDEO]
        if VIDEO in self._tracks and not pictures:
            return waited > WAIT
        sound = self._tracks.get(AUDIO)
        if sound is not None and not any(one.frame.kind == AUDIO for one in held):
            can_wait = codecs.silence(sound) is None or VIDEO not in self._tracks
            if can_wait and waited <= WAIT:
                return False
        if not pictures:
            return True
        seen = max(pictures[-1].time - pictures[0].time, 0)
        late = came - self._since > (self._patience + WAIT) / 1_000_000
        if self._tracks[VIDEO].codec == codecs.H264:
            return late or seen > self._patience or sum(one.frame.key for one in pictures) > 1
        return late or seen >= LOOK

    def _seen(self, held: list[_Held]) -> Known:
        """What ffmpeg would find out by looking."""
        pictures = [one for one in held if one.frame.kind == VIDEO]
        video, audio = self.known.get(VIDEO), self.known.get(AUDIO)
        times = [one.time for one in pictures]
        gaps = [after - before for before, after in pairwise(times) if after > before]
        rate = f"{1_000_000 / median(gaps):.3g}" if gaps else ""
        keys = [one.time for one in pictures if one.frame.key] + times[-1:]
        span = sum(gaps)
        plain = video is not None and video.codec == codecs.H264
        probe = Probe(
            "matroska,webm", None,
            None if video is None else codecs.picture(video, rate),
            None if audio is None else codecs.sound(audio),
            longest_gop=max(
                (after - before for before, after in pairwise(keys)), default=0
            ) / 1_000_000 if plain else None,
            bitrate=round(sum(len(one.frame.data) for one in pictures) * 8_000_000 / span) if span else None,
            reordered=times != sorted(times) or any(one.frame.shown for one in pictures),
        )  # fmt: skip
        return Known(probe, None if plain or video is None else VARIES)

    # --- writing -----------------------------------------------------------------------------------

    def _written(self, frame: Frame, time: int, stride: int) -> list[Chunk]:
        if frame.kind == VIDEO:
            return [*self._silent(time - self._lag - stride), self._chunk(frame, time)]
        if time < self._filled:
            # Silence stands there already: sound comes later than was thought.
            self._lag = min(MOST_LAG, max(self._lag, self._line.now - time + LAG))
            return []
        chunks = self._silent(time) if time - self._heard > LAG else []
        step = time - self._heard + self._step if self._heard else 0
        self._step = step if 0 < step <= LONG else self._step
        self._heard = time + self._step
        return [*chunks, self._chunk(frame, time)]

    def _silent(self, until: int) -> list[Chunk]:
        """Where no sound came."""
        chunks: list[Chunk] = []
        if self._silence is None or AUDIO not in self.known:
            return chunks
        data, step = self._silence
        while self._heard < until:
            chunks.append(self._chunk(Frame(AUDIO, 0, data, True), self._heard))
            self._heard += step
            self._filled = self._heard
        return chunks

    def _chunk(self, frame: Frame, time: int) -> Chunk:
        entry = frame.key and (frame.kind == VIDEO or VIDEO not in self.known)
        if entry and frame.kind == AUDIO:
            entry = self._entered is None or time - self._entered >= ENTRY
        if entry:
            self._entered = time
        data = self._clusters.add(frame.kind, time + frame.shown, frame.data, frame.key, entry)
        return Chunk(data, entry)
