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
    """WebSockets in all: some 50 KiB each."""
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
