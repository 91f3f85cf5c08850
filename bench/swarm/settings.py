"""What a trial is run under, and which trials a run has. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

SEGMENT_SECONDS = 2
WINDOW = 8
"""Segments listed."""
FRAMES = 25
"""A second."""
MBPS = 1.5
STAGGER = 1.0
"""Seconds between two viewers' arrivals, so that each finds the machine as the former did."""
JOIN = 60.0
"""Seconds a viewer gets until it plays; one that does not is reported, and the trial goes on."""
SETTLE = 6.0
"""Seconds from the last viewer's first picture to the measured interval: three segments."""
TAIL = WINDOW * SEGMENT_SECONDS
"""A segment is counted if it left the window before the end: until then a late viewer may still fetch it."""
SHORTEST, LONGEST = 30.0, 600.0
"""Seconds measured. Less leaves hardly a segment after TAIL; more does not fit the frame marks (14 bits)."""
MOST_VIEWERS = 16
"""Browsers on one machine; beyond, its CPU is what is measured."""


@dataclass(frozen=True, slots=True)
class Links:
    """Each viewer's own link; the origin's is not limited."""

    key: str
    rtt: float = 0.0
    """Seconds, viewer to viewer and viewer to origin."""
    down: float = 0.0
    """Bytes a second; 0: no limit."""
    up: float = 0.0
    loss: float = 0.0
    """Share of the packets, per passage."""

    @property
    def shaped(self) -> bool:
        return self.rtt > 0


LINKS: dict[str, Links] = {
    "loopback": Links("loopback"),
    "wan": Links("wan", rtt=0.1, down=20e6 / 8, up=5e6 / 8),
    "lossy": Links("lossy", rtt=0.1, down=20e6 / 8, up=5e6 / 8, loss=0.005),
}


@dataclass(frozen=True, slots=True)
class Setting:
    viewers: int
    links: Links
    seconds: float
    churn: bool = False
    """Half-way a third of the viewers leave and as many join."""
    busy: bool = False
    """One core is kept busy by another process."""

    @property
    def title(self) -> str:
        words = [f"{self.viewers} viewers", self.links.key]
        words += ["churn"] if self.churn else []
        words += ["one core busy"] if self.busy else []
        return ", ".join([*words, f"{self.seconds:g} s"])

    @property
    def leaving(self) -> int:
        """How many leave half-way and how many join then."""
        return max(1, self.viewers // 3) if self.churn and self.viewers > 1 else 0


def crossed(
    viewers: Iterable[int], links: Iterable[str], seconds: float, *, churn: bool, busy: bool
) -> tuple[Setting, ...]:
    return tuple(Setting(n, LINKS[key], seconds, churn, busy) for key, n in product(links, viewers))


def everything(seconds: float) -> tuple[Setting, ...]:
    """``--full``: each kind of trouble by itself at N = 6, and five undisturbed minutes for the drift."""
    loopback = LINKS["loopback"]
    return (
        *crossed((2, 4, 6), ("loopback",), seconds, churn=False, busy=False),
        *crossed((2, 4, 6), ("wan", "lossy"), seconds, churn=False, busy=False),
        Setting(6, loopback, seconds, churn=True),
        Setting(6, loopback, seconds, busy=True),
        Setting(6, loopback, 300.0),
    )


def trial_seconds(setting: Setting) -> float:
    """About how long one trial takes, start and end included."""
    return 12 + setting.viewers * (STAGGER + 0.5) + SETTLE + setting.seconds


def stream_seconds(settings: Iterable[Setting]) -> int:
    """How long a stream the longest trial needs, every viewer as slow as it may be."""
    longest = max(s.seconds + s.viewers * STAGGER for s in settings)
    return int(JOIN * 1.5 + SETTLE + longest + WINDOW * SEGMENT_SECONDS) + SEGMENT_SECONDS
