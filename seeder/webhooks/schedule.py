"""When a message is sent, sent again, and given up. Pure: time and dice are passed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import Enum

from seeder.webhooks.message import Message

DELAYS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 28800.0)
"""Seconds from one attempt that failed to the next; behind the last one a message is given up, after a day:
whoever mends a server in the morning gets what it missed at night."""
JITTER = 0.2
"""Of a delay, so that what failed together is not tried again together."""
HOLDS = 4
"""Attempts, over some minutes, for which a message holds up those behind it in its lane; then they pass it,
for a server may never take that one."""
FLYING = 8
"""Attempts at once at one place."""
MOST = 1000
"""Messages that wait for one place; for another the oldest is given up. Some 400 bytes each."""
PATIENCE = 3600.0
"""Seconds that a place may ask us to wait (Retry-After)."""


class Verdict(Enum):
    """On an attempt."""

    DONE = "done"
    AGAIN = "again"
    GONE = "gone"
    """The place wants no more of them."""


def judged(status: int) -> Verdict:
    """A redirect is a failure: who is told is for the operator to say."""
    if status == 410:
        return Verdict.GONE
    return Verdict.DONE if 200 <= status < 300 else Verdict.AGAIN


def delay(attempts: int, dice: float, asked: str | None = None) -> float | None:
    """Seconds to wait after so many attempts; ``None``: give up. 0 ≤ ``dice`` < 1; ``asked``: Retry-After."""
    if attempts > len(DELAYS):
        return None
    seconds = DELAYS[attempts - 1] * (1 - JITTER + 2 * JITTER * dice)
    if asked is not None and asked.isascii() and asked.isdecimal() and len(asked) < 9:
        seconds = max(seconds, min(float(asked), PATIENCE))
    return seconds


Key = tuple[str, str]


def ready(waiting: Sequence[Message], flying: Collection[Key], now: float) -> list[Message]:
    """Those to be sent now. ``waiting``: all, in the order in which they came, those that are being sent
    (``flying``) among them."""
    found: list[Message] = []
    at: Counter[str] = Counter(place for place, _ in flying)
    held: set[tuple[str, str]] = set()
    for message in waiting:
        lane = message.place, message.stream
        free = lane not in held
        if message.key in flying or message.attempts < HOLDS:
            held.add(lane)
        if message.key in flying or not free or message.due > now or at[message.place] >= FLYING:
            continue
        at[message.place] += 1
        found.append(message)
    return found


def wake(waiting: Sequence[Message], now: float) -> float | None:
    """Seconds until another one is due; ``None``: none will be. What is due already waits for its turn, which
    comes as an attempt ends."""
    due = [message.due - now for message in waiting if message.due > now]
    return min(due) if due else None


def fitting(waiting: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Those that may wait, and the oldest ones of a place that has too many."""
    counts: Counter[str] = Counter(message.place for message in waiting)
    kept: list[Message] = []
    lost: list[Message] = []
    for message in waiting:
        if counts[message.place] > MOST:
            counts[message.place] -= 1
            lost.append(message)
        else:
            kept.append(message)
    return kept, lost


def trouble(hosts: Mapping[str, str], waiting: Sequence[Message], errors: Mapping[str, str]) -> str:
    """A line for people, by place; empty when all is well."""
    counts: Counter[str] = Counter(message.place for message in waiting)
    return "; ".join(
        f"{hosts[p]}: {error} ({counts[p]} waiting)" for p, error in errors.items() if p in hosts
    )
