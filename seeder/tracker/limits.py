"""Every bound of the tracker with its reason; what grows with peers stops at one of these."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MESSAGE = 64 * 1024
"""Characters of one message, and bytes once decoded: ten offers of a talkative browser are some 40 KiB."""
MAX_SDP = 16 * 1024
"""Characters of one session description: with many candidates they reach 5 KiB."""
MAX_OFFERS = 10
"""Offers relayed per announce: libtorrent's default; webtorrent makes 5."""
MAX_SCRAPE = 100
"""Infohashes per scrape: BEP 48 leaves it open; a page asks for one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may tune; the defaults suit one process with some thousand viewers."""

    interval: int = 30
    """Seconds between announces. BitTorrent's usual half hour is a whole football match; half a minute
    lets a mesh heal while a segment or two play, for one small message a viewer."""
    min_interval: int = 10
    """Seconds an eager client may shorten it to."""
    peer_timeout: float = 180.0
    """Seconds without an announce until a peer of an open connection is dropped: three times libtorrent's
    least interval (60 s). libtorrent never says ``stopped``; without this its ghosts would collect offers."""
    offer_timeout: float = 60.0
    """Seconds an offer waits for its answer: bittorrent-tracker's client gives up after 50."""
    max_infohashes: int = 1024
    """Swarms per connection: a libtorrent session that seeds a few long windows has some hundred."""
    max_outstanding: int = 512
    """Offers in flight per connection, sent or received: 50 torrents with 10 offers each. It bounds both
    what one client can make us remember and how much it can pile onto another."""
    max_connections: int = 10_000
    """WebSockets in all: some 10 KiB each, 40 through hypercorn."""
    max_connections_per_ip: int = 256
    """WebSockets per address (per /64 for IPv6): an office behind one NAT fits, one flooder does not
    take everyone's place."""
    idle_timeout: float = 100.0
    """Seconds without a byte from the client, pongs included: pings go out every 25 s, so four were lost."""
    silent_timeout: float = 600.0
    """Seconds without a message: who wants nothing for twenty intervals needs no connection."""
    max_queue_bytes: int = 1024 * 1024
    """Bytes waiting for one slow reader: 500 offers; then it is cut off, or it would cost us without end."""
    max_queue_messages: int = 2048
    """The same in messages, whose bookkeeping outweighs small ones."""
    message_rate: float = 100.0
    """Messages a second that one connection may keep up; beyond it we read more slowly (TCP pushes back)."""
    message_burst: float = 2000.0
    """Messages at once: a libtorrent session that reconnects announces all its torrents together."""
    client_rate: float = 400.0
    """Messages a second of all connections of one address together: else 256 of them could keep a core busy.
    An office of 256 viewers sends some 30."""
    client_burst: float = 4000.0
    """At once: two libtorrent sessions that reconnect."""
    max_malformed: int = 10
    """Malformed messages until the connection is closed: a broken client does not get better."""
    seed_interval: int = 90
    """Seconds between announces of our own seed, each with offers that cost it: it is asked for another one
    as soon as somebody waits for it, so this only keeps it known (half of ``peer_timeout``)."""
    seed_rate: float = 8.0
    """Offers a second relayed to our own seed, real or bogus: each is pending there for 10 s, so 80 of
    the 300 negotiations that docs/design.md allows. It is for bootstrap; viewers pass on what they got."""
    seed_burst: float = 20.0
    """At once: the viewers of one failing segment."""
    seed_nudge_rate: float = 4.0
    """Extra announces a second asked of our own seed; three offers each is 120 pending at once."""
    seed_nudge_burst: float = 8.0
    """At once."""
    seed_held: int = 256
    """Offers in line for our own seed: 32 s of work for it, longer than they are kept."""
    seed_patience: float = 20.0
    """Seconds an offer stays in line: who made it waits 50 (bittorrent-tracker) and needs some for ICE."""
