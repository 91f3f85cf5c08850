"""From what was observed in a trial to its figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.swarm.origin_log import Kind, Request, media_by_name
from bench.swarm.settings import FRAMES, SEGMENT_SECONDS, TAIL

BACK = 3 * SEGMENT_SECONDS
"""A newcomer begins this far back (``liveSyncDurationCount`` 3), in seconds: it is sent what came since."""
NEARLY = 0.3
"""Seconds by which a buffer may end before its last segment does: sound and picture differ a little."""
EDGE = 10.0
"""Seconds at each end of the measured interval over which latency is averaged."""
NUMBERS = 2**14
"""Frame numbers begin anew after this many."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the probe in a viewer's page said; byte counts since the page began."""

    at: float
    frame: int | None
    ahead: float
    """Seconds of media in the player's buffer from there on."""
    start_ms: float | None
    stalls: int
    stalled_ms: float
    jumps: int
    connections: int
    sent: int
    received: int
    heap: int


@dataclass(frozen=True, slots=True)
class Visit:
    joined: float
    left: float
    samples: tuple[Sample, ...]

    @property
    def played(self) -> bool:
        return bool(self.samples) and self.samples[-1].start_ms is not None


@dataclass(frozen=True, slots=True)
class Tick:
    """The browsers' processes at one time."""

    at: float
    cpu: Mapping[int, float]
    """CPU seconds so far by process id: pages, network, everything."""
    renderers: frozenset[int]
    resident: int
    """Bytes, all renderers."""


@dataclass(frozen=True, slots=True)
class Observed:
    epoch: float
    names: Sequence[str]
    sizes: Sequence[int]
    begin: float
    end: float
    """The measured interval."""
    visits: Sequence[Visit]
    ticks: Sequence[Tick]
    requests: Sequence[Request]
    seed_bytes: float = 0.0
    """What our server's libtorrent sent in the measured interval, past nginx."""


@dataclass(frozen=True, slots=True)
class Figures:
    offload: float | None
    """1 − bytes from the origin ÷ bytes delivered; None: nobody played."""
    bound: float
    """(N − 1) ÷ N: one copy of each segment has to come from somewhere."""
    copies_mean: float
    """Copies of a segment that the origin sent, by media bytes."""
    copies_max: float
    segments: int
    started: int
    """Viewers that came to play."""
    start_ms: float
    """Navigation → the video plays, median."""
    start_max_ms: float
    stalls: int
    """Of all viewers, since they began to play."""
    stalled_ms: float
    jumps: int
    """Leaps of the play head after the start."""
    latency: float | None
    """Seconds from a frame's capture to the screen, at the end; None: no frame could be read."""
    latency_max: float | None
    """The worst viewer's."""
    drift: float | None
    """Latency at the end less latency at the beginning."""
    upload_mbps: float
    """Per viewer, mean, with WebRTC's overhead."""
    fairness: float | None
    """Highest upload ÷ mean; None when nobody sent a tenth of the stream."""
    connections: float
    """RTCPeerConnections made per viewer."""
    connections_max: int
    cpu: float
    """Share of a core per viewer: all of the browser's processes."""
    cpu_pages: float
    """Likewise, the page's (renderer) processes alone."""
    memory: float
    """MiB of renderer memory per viewer."""
    heap: float
    """MiB of JavaScript heap per viewer."""
    manifest_kbps: float
    """kbit/s per viewer from the origin."""
    signalling_kbps: float
    """Likewise, the tracker's WebSocket, both ways."""
    page_kb: float
    """Pages and scripts per viewer."""
    seed_bytes: float


def figures(seen: Observed) -> Figures:
    media = media_by_name(seen.requests)
    counted = [
        k for k in range(len(seen.names)) if seen.begin <= _released(seen, k) <= seen.end - TAIL
    ]  # fmt: skip
    delivered = sum(seen.sizes[k] * _owed(seen, k) for k in counted)
    from_origin = float(sum(media.get(seen.names[k], (0, 0))[0] for k in counted))
    # libtorrent counts torrents together: the counted segments' share of the interval.
    from_origin += seen.seed_bytes * len(counted) * SEGMENT_SECONDS / (seen.end - seen.begin)
    copies = [media.get(seen.names[k], (0, 0))[1] / seen.sizes[k] for k in counted]
    viewers = _mean([float(_owed(seen, k)) for k in counted])
    last = [visit.samples[-1] for visit in seen.visits if visit.samples]
    starts = [sample.start_ms for sample in last if sample.start_ms is not None]
    latencies = [pair for visit in seen.visits if (pair := _latency(seen, visit)) is not None]
    uploads = [rate for visit in seen.visits if (rate := _upload(seen, visit)) is not None]
    watched = sum(visit.left - visit.joined for visit in seen.visits)
    cpu, cpu_pages = cpu_used(seen.ticks)
    stream = fmean(seen.sizes) / SEGMENT_SECONDS
    return Figures(
        offload=1 - from_origin / delivered if delivered else None,
        bound=(viewers - 1) / viewers if viewers >= 1 else 0.0,
        copies_mean=_mean(copies),
        copies_max=max(copies, default=0.0),
        segments=len(counted),
        started=len(starts),
        start_ms=median(starts) if starts else 0.0,
        start_max_ms=max(starts, default=0.0),
        stalls=sum(sample.stalls for sample in last),
        stalled_ms=sum(sample.stalled_ms for sample in last),
        jumps=sum(sample.jumps for sample in last),
        latency=fmean(late for _, late in latencies) if latencies else None,
        latency_max=max((late for _, late in latencies), default=None),
        drift=fmean(late - early for early, late in latencies) if latencies else None,
        upload_mbps=_mean(uploads) * 8 / 1e6,
        fairness=max(uploads) / fmean(uploads) if uploads and fmean(uploads) > stream / 10 else None,
        connections=_mean([float(sample.connections) for sample in last]),
        connections_max=max((sample.connections for sample in last), default=0),
        cpu=cpu / viewers if viewers else 0.0,
        cpu_pages=cpu_pages / viewers if viewers else 0.0,
        memory=seen.ticks[-1].resident / viewers / 2**20 if seen.ticks and viewers else 0.0,
        heap=_mean([sample.heap / 2**20 for sample in last if sample.at >= seen.end - EDGE]),
        manifest_kbps=_sent(seen, Kind.MANIFEST) * 8 / 1000 / watched if watched else 0.0,
        signalling_kbps=_both_ways(seen, Kind.SIGNALLING) * 8 / 1000 / watched if watched else 0.0,
        page_kb=_sent(seen, Kind.PAGE) / 1000 / len(seen.visits) if seen.visits else 0.0,
        seed_bytes=seen.seed_bytes,
    )


def cpu_used(ticks: Sequence[Tick]) -> tuple[float, float]:
    """Cores in use on average: by all processes, by renderers. A process that went counts until then."""
    if len(ticks) < 2:
        return 0.0, 0.0
    total = pages = 0.0
    before = ticks[0]
    for tick in ticks[1:]:
        for pid, seconds in tick.cpu.items():
            # A number used again begins below what the former one had.
            used = seconds - before.cpu.get(pid, 0.0)
            used = seconds if used < 0 else used
            total += used
            pages += used if pid in tick.renderers else 0.0
        before = tick
    span = ticks[-1].at - ticks[0].at
    return total / span, pages / span


def latency_of(epoch: float, sample: Sample) -> float | None:
    """Seconds from the frame's capture until it was seen; frame numbers begin anew every 655 s."""
    if sample.frame is None:
        return None
    return ((sample.at - epoch) * FRAMES - sample.frame) % NUMBERS / FRAMES


@dataclass(frozen=True, slots=True)
class Bin:
    """Media bytes a second, all viewers together."""

    at: float
    """Seconds since the first viewer came."""
    origin: float
    peers: float


def over_time(seen: Observed, width: float = 2.0) -> tuple[Bin, ...]:
    """Bytes by source, from the first viewer's arrival to the end."""
    zero = min((visit.joined for visit in seen.visits), default=seen.begin)
    count = max(1, int((seen.end - zero) / width))
    origin, peers = [0.0] * count, [0.0] * count
    for request in seen.requests:
        if request.kind is Kind.MEDIA:
            _add(origin, (request.at - zero) / width, request.sent)
    for visit in seen.visits:
        for before, after in zip(visit.samples, visit.samples[1:], strict=False):
            _add(peers, (after.at - zero) / width, after.received - before.received)
    return tuple(
        Bin(k * width, o / width, p / width) for k, (o, p) in enumerate(zip(origin, peers, strict=True))
    )


def _add(bins: list[float], place: float, amount: float) -> None:
    if 0 <= place < len(bins):
        bins[int(place)] += amount


def _released(seen: Observed, k: int) -> float:
    return seen.epoch + (k + 1) * SEGMENT_SECONDS


def _owed(seen: Observed, k: int) -> int:
    """How many viewers segment ``k`` was delivered to. One that never played got nothing."""
    at = _released(seen, k)
    return sum(
        1
        for visit in seen.visits
        if visit.played and visit.joined - BACK <= at <= _delivered_until(seen, visit)
    )


def _delivered_until(seen: Observed, visit: Visit) -> float:
    """Capture time up to which a viewer was sent the stream: who left had what was in the buffer then."""
    last = visit.samples[-1]
    latency = latency_of(seen.epoch, last)
    if visit.left >= seen.end or latency is None:
        return visit.left
    return last.at - latency + last.ahead + NEARLY


def _latency(seen: Observed, visit: Visit) -> tuple[float, float] | None:
    """(first, last) EDGE seconds' mean, of the part of the interval that the viewer was there."""
    known = [
        (sample.at, latency)
        for sample in visit.samples
        if seen.begin <= sample.at <= seen.end and (latency := latency_of(seen.epoch, sample)) is not None
    ]
    if not known:
        return None
    first, last = known[0][0], known[-1][0]
    early = fmean(latency for at, latency in known if at <= first + EDGE)
    late = fmean(latency for at, latency in known if at >= last - EDGE)
    return early, late


def _upload(seen: Observed, visit: Visit) -> float | None:
    """Bytes a second; None for less than EDGE seconds of the interval."""
    inside = [sample for sample in visit.samples if seen.begin <= sample.at <= seen.end]
    if len(inside) < 2 or inside[-1].at - inside[0].at < EDGE:
        return None
    return (inside[-1].sent - inside[0].sent) / (inside[-1].at - inside[0].at)


def _sent(seen: Observed, kind: Kind) -> int:
    return sum(request.sent for request in seen.requests if request.kind is kind)


def _both_ways(seen: Observed, kind: Kind) -> int:
    return sum(request.sent + request.received for request in seen.requests if request.kind is kind)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return fmean(known) if known else 0.0
