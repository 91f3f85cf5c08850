"""The tracker protocol's JSON ⇄ frozen records; pure.

There is no BEP. This follows ``bittorrent-tracker`` 11 (client and server) and libtorrent 2.1 where
they agree, and satisfies both where they do not. 20-byte values travel as "binary strings": one
character below U+0100 per byte. Unknown members are ignored, in both directions.

Records are named tuples: as frozen as frozen dataclasses, and made in a third of the time, of which an
announce with its offers and their answers takes fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import orjson

from seeder.errors import WireError
from seeder.tracker.limits import MAX_MESSAGE, MAX_OFFERS, MAX_SCRAPE, MAX_SDP

NOWHERE = bytes(20)
"""Stands for the infohash in a reply to a message that names none. Such a reply needs one all the same:
libtorrent 2.1.1 closes its shared socket without, and bittorrent-tracker's client passes it to bin2hex."""


class Event(StrEnum):
    NONE = "none"
    STARTED = "started"
    COMPLETED = "completed"
    STOPPED = "stopped"


# "update" is webtorrent's word for none; "paused" is BEP 21's (libtorrent), and such a peer still uploads.
_EVENTS = dict.fromkeys(("", "empty", "update", "paused"), Event.NONE) | {
    event.value: event for event in Event
}


class Offer(NamedTuple):
    offer_id: bytes
    """20 random bytes chosen by the offering peer."""
    sdp: str


class Announce(NamedTuple):
    infohash: bytes
    peer_id: bytes
    event: Event
    seed: bool
    """``left`` is 0. webtorrent says ``null`` (JSON's infinity) while it does not know the length."""
    offers: tuple[Offer, ...]
    """At most MAX_OFFERS and at most ``numwant``; the rest of a longer list is dropped, for it would be
    unanswered anyway, and an error would lose the announce as well."""
    ice: bool = False
    """It asks for ICE servers: a member of our own, which no stock client sends."""


class Answer(NamedTuple):
    """Sent as an announce with ``answer``; it is no announce and gets no reply."""

    infohash: bytes
    peer_id: bytes
    to_peer_id: bytes
    offer_id: bytes
    sdp: str


class Scrape(NamedTuple):
    infohashes: tuple[bytes, ...] | None
    """``None``: all that the asking connection takes part in."""
    single: bool = False
    """Asked with a bare string rather than a list."""


Request = Announce | Answer | Scrape
Action = Literal["announce", "scrape"]


class Pace(NamedTuple):
    """How often to come back, in whole seconds: a float closes libtorrent 2.1.1's socket."""

    interval: int
    min_interval: int


class Counts(NamedTuple):
    complete: int
    incomplete: int
    downloaded: int


class IceServer(NamedTuple):
    """As an RTCIceServer of WebRTC."""

    urls: tuple[str, ...]
    username: str
    credential: str


class AnnounceReply(NamedTuple):
    infohash: bytes
    counts: Counts
    pace: Pace
    ice: IceServer | None = None
    """Only to who asked: clients that do not know it may not ignore it."""


class OfferRelay(NamedTuple):
    """To one peer of the swarm. Without an interval: libtorrent would take it for the announce's reply."""

    infohash: bytes
    peer_id: bytes
    """Who offers."""
    offer: Offer


class AnswerRelay(NamedTuple):
    """Back to who offered."""

    infohash: bytes
    peer_id: bytes
    """Who answers."""
    offer_id: bytes
    sdp: str


class ScrapeReply(NamedTuple):
    files: Mapping[bytes, Counts]
    asked: tuple[bytes, ...]
    single: bool
    pace: Pace


class Failure(NamedTuple):
    """With an interval, or libtorrent leaves the announce pending for ever."""

    action: Action
    infohash: bytes
    reason: str
    pace: Pace


Reply = AnnounceReply | OfferRelay | AnswerRelay | ScrapeReply | Failure


def decode(text: str | bytes) -> Request:
    """One message from a client; raises WireError, whose reason may be sent back."""
    message = _object(text)
    action = message.get("action")
    if action == "announce":
        return _answer(message) if message.get("answer") else _announce(message)
    if action == "scrape":
        return _scrape(message)
    raise WireError("action must be announce or scrape")


def addressee(text: str | bytes) -> tuple[Action, bytes]:
    """Which action and infohash a failure reply to ``text`` should name, as far as can be told."""
    try:
        message = _object(text)
    except WireError:
        return "announce", NOWHERE
    try:
        infohash = _binary(message, "info_hash")
    except WireError:
        infohash = NOWHERE
    return ("scrape" if message.get("action") == "scrape" else "announce"), infohash


def encode(reply: Reply) -> bytes:
    """One message to a client, as the text of a WebSocket message, in UTF-8."""
    # Not match: its class patterns take longer than all the rest of a relay.
    return orjson.dumps(_BODIES[type(reply)](reply))


def _announce_reply(reply: AnnounceReply) -> dict[str, Any]:
    body: dict[str, Any] = {"action": "announce", "info_hash": _text(reply.infohash)}
    if reply.ice is not None:
        body["ice"] = [reply.ice._asdict()]
    return body | _paced(reply.pace) | _counted(reply.counts)


def _offer_relay(relay: OfferRelay) -> dict[str, Any]:
    return {
        "action": "announce",
        "info_hash": relay.infohash.decode("latin-1"),
        "peer_id": relay.peer_id.decode("latin-1"),
        "offer_id": relay.offer.offer_id.decode("latin-1"),
        "offer": {"type": "offer", "sdp": relay.offer.sdp},
    }


def _answer_relay(relay: AnswerRelay) -> dict[str, Any]:
    return {
        "action": "announce",
        "info_hash": relay.infohash.decode("latin-1"),
        "peer_id": relay.peer_id.decode("latin-1"),
        "offer_id": relay.offer_id.decode("latin-1"),
        "answer": {"type": "answer", "sdp": relay.sdp},
    }


def _scrape_reply(reply: ScrapeReply) -> dict[str, Any]:
    return {
        "action": "scrape",
        "info_hash": _text(reply.asked[0]) if reply.single else [_text(one) for one in reply.asked],
        "files": {_text(infohash): _counted(counts) for infohash, counts in reply.files.items()},
        "flags": {"min_request_interval": reply.pace.min_interval},
    } | _paced(reply.pace)


def _failure(reply: Failure) -> dict[str, Any]:
    body = {"action": reply.action, "info_hash": _text(reply.infohash), "failure reason": reply.reason}
    return body | _paced(reply.pace)


_BODIES: dict[type, Callable[[Any], dict[str, Any]]] = {
    AnnounceReply: _announce_reply,
    OfferRelay: _offer_relay,
    AnswerRelay: _answer_relay,
    ScrapeReply: _scrape_reply,
    Failure: _failure,
}


def _paced(pace: Pace) -> dict[str, Any]:
    # Two spellings: bittorrent-tracker reads "min interval", libtorrent "min_interval".
    return {
        "interval": pace.interval,
        "min interval": pace.min_interval,
        "min_interval": pace.min_interval,
    }


def _counted(counts: Counts) -> dict[str, Any]:
    return {
        "complete": counts.complete,
        "incomplete": counts.incomplete,
        "downloaded": counts.downloaded,
    }


def _object(text: str | bytes) -> dict[str, Any]:
    if len(text) > MAX_MESSAGE:
        raise WireError(f"message exceeds {MAX_MESSAGE} bytes")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise WireError("message is not JSON") from None
    if not isinstance(message, dict):
        raise WireError("message is not a JSON object")
    return message


def _announce(message: dict[str, Any]) -> Announce:
    name = message.get("event") or ""
    if not isinstance(name, str) or name not in _EVENTS:
        raise WireError("event must be started, completed, stopped or absent")
    return Announce(
        infohash=_binary(message, "info_hash"),
        peer_id=_binary(message, "peer_id"),
        event=_EVENTS[name],
        seed=_is_zero(message.get("left")) or _EVENTS[name] is Event.COMPLETED,
        offers=_offers(message),
        ice=message.get("ice") is True,
    )


def _answer(message: dict[str, Any]) -> Answer:
    return Answer(
        infohash=_binary(message, "info_hash"),
        peer_id=_binary(message, "peer_id"),
        to_peer_id=_binary(message, "to_peer_id"),
        offer_id=_binary(message, "offer_id"),
        sdp=_sdp(message["answer"], "answer"),
    )


def _scrape(message: dict[str, Any]) -> Scrape:
    asked = message.get("info_hash")
    if asked is None:
        return Scrape(None)
    if isinstance(asked, str):
        return Scrape((_binary(message, "info_hash"),), single=True)
    if not isinstance(asked, list) or not asked:
        raise WireError("info_hash must be a binary string, a list of them, or absent")
    if len(asked) > MAX_SCRAPE:
        raise WireError(f"a scrape may name {MAX_SCRAPE} infohashes")
    return Scrape(tuple(_binary({"info_hash": one}, "info_hash") for one in asked))


def _offers(message: dict[str, Any]) -> tuple[Offer, ...]:
    offers = message.get("offers")
    if offers is None:
        return ()
    if not isinstance(offers, list):
        raise WireError("offers must be a list")
    wanted = message.get("numwant")
    most = min(wanted, MAX_OFFERS) if isinstance(wanted, int) and wanted >= 0 else MAX_OFFERS
    found: list[Offer] = []
    for one in offers[:most]:
        if not isinstance(one, dict):
            raise WireError("an offer must be an object with offer and offer_id")
        found.append(Offer(_binary(one, "offer_id"), _sdp(one.get("offer"), "offer")))
    if len(found) > 1 and len({offer.offer_id for offer in found}) < len(found):
        raise WireError("offer_id must differ from offer to offer")
    return tuple(found)


def _sdp(description: object, kind: str) -> str:
    """Only ``type`` and ``sdp`` are passed on, so that nobody uses us to carry something else."""
    if not isinstance(description, dict) or description.get("type") != kind:
        raise WireError(f"{kind} must be an object of type {kind}")
    sdp = description.get("sdp")
    if not isinstance(sdp, str) or not sdp:
        raise WireError(f"{kind} lacks its sdp")
    if len(sdp) > MAX_SDP:
        raise WireError(f"sdp exceeds {MAX_SDP} bytes")
    return sdp


def _binary(message: Mapping[str, Any], key: str) -> bytes:
    value = message.get(key)
    if isinstance(value, str) and len(value) == 20:
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            pass
    raise WireError(f"{key} must be a binary string of 20 bytes")


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _is_zero(value: object) -> bool:
    # bool is an int to Python; a client that says false means nothing we know
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0
