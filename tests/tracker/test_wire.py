"""The protocol's JSON, as bittorrent-tracker 11 and libtorrent 2.1 write and read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import WireError
from seeder.tracker.limits import MAX_MESSAGE, MAX_OFFERS, MAX_SDP
from seeder.tracker.wire import (
    NOWHERE,
    Announce,
    AnnounceReply,
    Answer,
    AnswerRelay,
    Counts,
    Event,
    Failure,
    Offer,
    OfferRelay,
    Pace,
    Scrape,
    ScrapeReply,
    addressee,
    decode,
    encode,
)

twenty = st.binary(min_size=20, max_size=20)
sdps = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
paces = st.builds(Pace, st.integers(0, 10**6), st.integers(0, 10**6))
counts = st.builds(Counts, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
A, P = "a" * 20, "p" * 20


def text(value: bytes) -> str:
    return value.decode("latin-1")


def message(**members: Any) -> str:
    return json.dumps({"action": "announce", "info_hash": A, "peer_id": P} | members)


def made(offers: int) -> list[dict[str, Any]]:
    return [{"offer_id": f"{n:020}", "offer": {"type": "offer", "sdp": f"v={n}"}} for n in range(offers)]


@given(
    twenty,
    twenty,
    st.sampled_from(["started", "completed", "stopped", "update", "", None]),
    st.integers(0, 9),
)
def test_an_announce_is_read_as_written(
    infohash: bytes, peer_id: bytes, event: str | None, left: int
) -> None:
    found = decode(message(info_hash=text(infohash), peer_id=text(peer_id), event=event, left=left))
    assert isinstance(found, Announce)
    assert (found.infohash, found.peer_id) == (infohash, peer_id)
    assert found.event == {"update": Event.NONE, "": Event.NONE, None: Event.NONE}.get(event, event)
    assert found.seed == (left == 0 or event == "completed")


@given(st.lists(st.tuples(twenty, sdps), max_size=MAX_OFFERS, unique_by=lambda pair: pair[0]))
def test_offers_are_read_as_written(pairs: list[tuple[bytes, str]]) -> None:
    offers = [{"offer_id": text(ident), "offer": {"type": "offer", "sdp": sdp}} for ident, sdp in pairs]
    found = decode(message(offers=offers, numwant=len(offers)))
    assert isinstance(found, Announce)
    assert found.offers == tuple(Offer(ident, sdp) for ident, sdp in pairs)


@given(twenty, twenty, twenty, twenty, sdps)
def test_an_answer_is_read_as_written(a: bytes, b: bytes, c: bytes, d: bytes, sdp: str) -> None:
    raw = message(
        info_hash=text(a),
        peer_id=text(b),
        to_peer_id=text(c),
        offer_id=text(d),
        answer={"type": "answer", "sdp": sdp},
    )
    assert decode(raw) == Answer(a, b, c, d, sdp)
    assert decode(raw.encode()) == Answer(a, b, c, d, sdp)


@given(st.lists(twenty, min_size=1, max_size=5))
def test_a_scrape_names_one_or_many_or_none(hashes: list[bytes]) -> None:
    one = json.dumps({"action": "scrape", "info_hash": text(hashes[0])})
    many = json.dumps({"action": "scrape", "info_hash": [text(h) for h in hashes]})
    assert decode(one) == Scrape((hashes[0],), single=True)
    assert decode(many) == Scrape(tuple(hashes))
    assert decode('{"action": "scrape"}') == Scrape(None)


@given(twenty, counts, paces)
def test_a_reply_has_what_both_clients_look_for(infohash: bytes, found: Counts, pace: Pace) -> None:
    body = json.loads(encode(AnnounceReply(infohash, found, pace)))
    assert body == {
        "action": "announce",
        "info_hash": text(infohash),
        "interval": pace.interval,
        "min interval": pace.min_interval,
        "min_interval": pace.min_interval,
        "complete": found.complete,
        "incomplete": found.incomplete,
        "downloaded": found.downloaded,
    }
    assert type(body["interval"]) is int


@given(twenty, twenty, twenty, sdps)
def test_relays_carry_type_and_sdp_and_no_interval(a: bytes, b: bytes, c: bytes, sdp: str) -> None:
    offer = json.loads(encode(OfferRelay(a, b, Offer(c, sdp))))
    answer = json.loads(encode(AnswerRelay(a, b, c, sdp)))
    assert offer.pop("offer") == {"type": "offer", "sdp": sdp}
    assert answer.pop("answer") == {"type": "answer", "sdp": sdp}
    expected = {"action": "announce", "info_hash": text(a), "peer_id": text(b), "offer_id": text(c)}
    assert offer == answer == expected


@given(st.dictionaries(twenty, counts, max_size=3), paces)
def test_a_scrape_reply_lists_files_by_infohash(files: dict[bytes, Counts], pace: Pace) -> None:
    body = json.loads(encode(ScrapeReply(files, tuple(files), False, pace)))
    assert body["action"] == "scrape"
    assert body["info_hash"] == [text(infohash) for infohash in files]
    assert {key.encode("latin-1"): Counts(**value) for key, value in body["files"].items()} == files
    assert body["interval"] == pace.interval


@given(twenty, st.text(st.characters(exclude_categories=["Cs"])), paces)
def test_a_failure_names_its_infohash_and_an_interval(infohash: bytes, reason: str, pace: Pace) -> None:
    body = json.loads(encode(Failure("announce", infohash, reason, pace)))
    assert body["failure reason"] == reason
    assert body["info_hash"] == text(infohash)
    assert type(body["interval"]) is int


def test_webtorrents_own_announce_is_understood() -> None:
    """As bittorrent-tracker 11.2.3's client writes it: ``left`` is null while the length is unknown."""
    raw = message(
        numwant=5, uploaded=0, downloaded=0, left=None, event="started", offers=made(5), trackerid="x"
    )
    found = decode(raw)
    assert isinstance(found, Announce)
    assert (found.event, found.seed, len(found.offers)) == (Event.STARTED, False, 5)


def test_libtorrents_own_announce_is_understood() -> None:
    raw = message(
        uploaded=0,
        downloaded=0,
        left=16384,
        corrupt=0,
        numwant=10,
        key="0A1B2C3D",
        offers=made(10),
        event="paused",
    )
    found = decode(raw)
    assert isinstance(found, Announce)
    assert (found.event, found.seed, len(found.offers)) == (Event.NONE, False, 10)


def test_no_more_offers_are_taken_than_wanted_or_than_ten() -> None:
    assert len(decode(message(offers=made(30), numwant=30)).offers) == MAX_OFFERS  # type: ignore[union-attr]
    assert len(decode(message(offers=made(5), numwant=2)).offers) == 2  # type: ignore[union-attr]
    assert len(decode(message(offers=made(5), numwant=-1)).offers) == 5  # type: ignore[union-attr]
    assert len(decode(message(offers=made(5))).offers) == 5  # type: ignore[union-attr]


LONG = {"type": "offer", "sdp": "v" * (MAX_SDP + 1)}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 2000, "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        (" " * (MAX_MESSAGE + 1), "exceeds"),
        ("{}", "action"),
        ('{"action": "connect"}', "action"),
        (message(info_hash="short"), "info_hash"),
        (message(info_hash="€" * 20), "info_hash"),
        (message(info_hash=None), "info_hash"),
        (message(peer_id=[1] * 20), "peer_id"),
        (message(event="finished"), "event"),
        (message(event=7), "event"),
        (message(offers={}), "offers"),
        (message(offers=[1]), "an offer"),
        (message(offers=[{"offer_id": "x"}]), "offer_id"),
        (message(offers=[{"offer_id": A, "offer": {"type": "answer", "sdp": "v"}}]), "type offer"),
        (message(offers=[{"offer_id": A, "offer": {"type": "offer", "sdp": ""}}]), "sdp"),
        (message(offers=[{"offer_id": A, "offer": LONG}]), "sdp exceeds"),
        (message(offers=made(1) * 2), "offer_id must differ"),
        (message(answer="yes", to_peer_id=P, offer_id=A), "type answer"),
        (message(answer={"type": "answer", "sdp": "v"}), "to_peer_id"),
        ('{"action": "scrape", "info_hash": []}', "info_hash"),
        ('{"action": "scrape", "info_hash": {}}', "info_hash"),
        (json.dumps({"action": "scrape", "info_hash": [A] * 101}), "100 infohashes"),
    ],
)
def test_what_breaks_the_protocol_is_told_why(raw: str, reason: str) -> None:
    with pytest.raises(WireError, match=reason) as caught:
        decode(raw)
    assert "\n" not in caught.value.reason


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_noise_is_an_error_and_never_a_crash(noise: str | bytes) -> None:
    with pytest.raises(WireError):
        decode(noise)
    assert addressee(noise) == ("announce", NOWHERE)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=25),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["info_hash", "peer_id", "event", "left", "numwant", "offers", "answer", "offer_id", "to_peer_id"]
)


@given(st.sampled_from(["announce", "scrape"]), st.dictionaries(names, values))
def test_any_json_is_a_request_or_an_error(action: str, members: dict[str, Any]) -> None:
    raw = json.dumps({"action": action, "info_hash": A, "peer_id": P} | members)
    try:
        decode(raw)
    except WireError:
        kind, infohash = addressee(raw)
        assert kind == action
        assert len(infohash) == 20
