"""Stories of swarms; tests/tracker/playbook.py says how to read them."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from seeder.tracker.limits import Limits
from seeder.tracker.swarm import ConnId, Swarm
from seeder.tracker.wire import AnnounceReply, Counts, Event, OfferRelay, Scrape, ScrapeReply
from tests.tracker.playbook import (
    MOVIE,
    PACE,
    Playbook,
    announce,
    answer,
    answered,
    offered,
    peer,
    refusal,
    reply,
)

OTHER = b"other".ljust(20, b".")


def two() -> Playbook:
    play = Playbook()
    play.says("alice", announce()).hears("alice", reply(incomplete=1))
    return play.says("bob", announce(seed=True)).hears("bob", reply(1, 1))


def test_an_announce_is_answered_with_the_counts_of_its_swarm() -> None:
    two().silence()


def test_offer_and_answer_travel_between_two_peers() -> None:
    play = two()
    play.says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    play.says("bob", answer("alice", 0)).hears("alice", answered("bob", "alice", 0)).silence()


def test_a_peer_never_gets_its_own_offer() -> None:
    Playbook().says("alice", announce(offers=5)).hears("alice", reply(incomplete=1)).silence()


def test_each_offer_goes_to_a_different_peer() -> None:
    play = Playbook()
    for number in range(8):
        play.says(f"p{number}", announce()).take()
    sent = play.says("alice", announce(offers=5)).take()
    takers = [who for who, message in sent if isinstance(message, OfferRelay)]
    assert len(takers) == 5
    assert len(set(takers)) == 5
    assert "alice" not in takers


def test_offers_are_spread_evenly_over_the_swarm() -> None:
    play = Playbook()
    for number in range(10):
        play.says(f"p{number}", announce()).take()
    got: Counter[str] = Counter()
    for turn in range(200):
        sent = play.says("alice", announce(offers=(turn,))).take()
        got.update(who for who, message in sent if isinstance(message, OfferRelay))
    assert sum(got.values()) == 200
    assert min(got[f"p{number}"] for number in range(10)) >= 5


def test_who_offers_again_is_introduced_to_everyone_else_of_a_small_swarm() -> None:
    play = Playbook()
    others = [f"p{number}" for number in range(7)]
    for name in others:
        play.says(name, announce()).take()
    takers: list[str] = []
    for turn in range(7):
        play.says("p3", announce(offers=(turn,))).take()  # others offer meanwhile
        sent = play.says("alice", announce(offers=(turn,))).take()
        takers += [who for who, message in sent if isinstance(message, OfferRelay)]
    assert sorted(takers) == others


def test_an_answer_nobody_asked_for_is_dropped() -> None:
    two().says("bob", answer("alice", 0)).silence()


def test_an_answer_counts_once() -> None:
    play = (
        two().says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    )
    play.says("bob", answer("alice", 0)).hears("alice", answered("bob", "alice", 0))
    play.says("bob", answer("alice", 0)).silence()


def test_only_the_peer_that_was_offered_may_answer() -> None:
    play = (
        two().says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    )
    play.says("mallory", announce()).hears("mallory", reply(1, 2))
    play.says("mallory", answer("alice", 0)).silence()
    play.says("mallory", answer("alice", 0, as_peer="bob")).silence()
    play.says("bob", answer("alice", 0, as_peer="mallory")).silence()
    play.says("bob", answer("alice", 0)).hears("alice", answered("bob", "alice", 0))


def test_an_answer_after_a_minute_is_too_late() -> None:
    play = (
        two().says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    )
    play.at(61).says("bob", answer("alice", 0)).silence()


def test_a_late_answer_is_refused_even_before_the_tick() -> None:
    play = (
        two().says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    )
    play.now = 61
    play.says("bob", answer("alice", 0)).silence()


def test_an_offer_dies_with_the_connection_that_made_it() -> None:
    play = (
        two().says("alice", announce(offers=1)).hears("alice", reply(1, 1)).hears("bob", offered("alice", 0))
    )
    play.leaves("alice").says("bob", answer("alice", 0)).silence()


def test_nobody_takes_over_the_peer_id_of_a_live_connection() -> None:
    play = two()
    stolen = announce(as_peer="alice", offers=1)
    play.says("mallory", stolen).hears("mallory", refusal("peer_id is in use by another connection"))
    play.says("mallory", announce(as_peer="alice", event=Event.STOPPED)).hears("mallory", reply(1, 1))
    play.says("bob", announce(seed=True, offers=1)).hears("bob", reply(1, 1)).hears(
        "alice", offered("bob", 0)
    )


def test_a_peer_id_is_free_again_when_its_connection_has_closed() -> None:
    play = two().leaves("alice")
    play.says("alice again", announce(as_peer="alice")).hears("alice again", reply(1, 1))


def test_a_connection_has_one_peer_id_in_a_swarm() -> None:
    play = two()
    play.says("alice", announce(as_peer="eve")).hears(
        "alice", refusal("one peer_id per info_hash and connection")
    )


def test_a_connection_may_use_other_peer_ids_in_other_swarms() -> None:
    play = two()
    play.says("alice", announce(as_peer="eve", infohash=OTHER))
    play.hears("alice", reply(incomplete=1, infohash=OTHER))


def test_unknown_infohashes_are_refused() -> None:
    play = Playbook(knows=lambda infohash: infohash == MOVIE)
    play.says("alice", announce(infohash=OTHER)).hears("alice", refusal("unknown info_hash", OTHER))
    assert len(play.swarm) == 0


def test_a_peer_leaves_when_its_infohash_is_unknown_from_now_on() -> None:
    known = {MOVIE}
    play = Playbook(knows=known.__contains__)
    play.says("alice", announce()).hears("alice", reply(incomplete=1))
    known.clear()
    play.says("alice", announce()).hears("alice", refusal("unknown info_hash"))
    assert len(play.swarm) == 0


def test_stopping_is_no_failure_even_where_the_infohash_has_retired() -> None:
    play = Playbook(knows=lambda infohash: False)
    play.says("alice", announce(event=Event.STOPPED)).hears("alice", reply())


def test_who_stops_is_out_of_the_swarm() -> None:
    play = two().says("alice", announce(event=Event.STOPPED)).hears("alice", reply(complete=1))
    play.says("bob", announce(seed=True, offers=1)).hears("bob", reply(complete=1)).silence()


def test_completed_makes_a_seed_and_counts_a_download() -> None:
    play = two()
    play.says("alice", announce(seed=True, event=Event.COMPLETED)).hears("alice", reply(2, 0, 1))


def test_retiring_tells_every_member_once_more_and_forgets_the_swarm() -> None:
    play = two().retires().hears("alice", reply()).hears("bob", reply()).silence()
    assert play.swarm.counts(MOVIE) == Counts(0, 0, 0)
    assert len(play.swarm) == 0
    play.retires().silence()


def test_retiring_one_swarm_leaves_the_others_of_a_connection() -> None:
    play = two()
    play.says("alice", announce(infohash=OTHER)).hears("alice", reply(incomplete=1, infohash=OTHER))
    play.retires().hears("alice", reply()).hears("bob", reply())
    assert play.swarm.counts(OTHER) == Counts(0, 1, 0)


def test_a_silent_peer_expires_with_a_last_reply() -> None:
    play = two().at(100).says("bob", announce(seed=True)).hears("bob", reply(1, 1))
    play.at(181).hears("alice", reply(1, 1)).silence()
    assert play.swarm.counts(MOVIE) == Counts(1, 0, 0)


def test_a_scrape_counts_one_or_many_or_all_of_the_connections_own() -> None:
    play = two().says("carol", announce(infohash=OTHER)).hears("carol", reply(incomplete=1, infohash=OTHER))
    movie, other = Counts(1, 1, 0), Counts(0, 1, 0)
    play.says("bob", lambda who: Scrape((MOVIE,), single=True))
    play.hears("bob", ScrapeReply({MOVIE: movie}, (MOVIE,), True, PACE))
    play.says("bob", lambda who: Scrape((MOVIE, OTHER)))
    play.hears("bob", ScrapeReply({MOVIE: movie, OTHER: other}, (MOVIE, OTHER), False, PACE))
    play.says("bob", lambda who: Scrape(None)).hears(
        "bob", ScrapeReply({MOVIE: movie}, (MOVIE,), False, PACE)
    )
    play.says("dave", lambda who: Scrape(None)).hears("dave", ScrapeReply({}, (), False, PACE))


def test_a_scrape_tells_nothing_of_unknown_infohashes() -> None:
    play = Playbook(knows=lambda infohash: infohash == MOVIE)
    play.says("bob", lambda who: Scrape((OTHER,), single=True))
    play.hears("bob", ScrapeReply({}, (OTHER,), True, PACE))


def test_one_connection_joins_a_bounded_number_of_swarms() -> None:
    play = Playbook(Limits(max_infohashes=2))
    for number in range(2):
        play.says("alice", announce(infohash=bytes([number]) * 20)).take()
    play.says("alice", announce(infohash=bytes([9]) * 20))
    play.hears("alice", refusal("a connection may take part in 2 swarms", bytes([9]) * 20))
    play.says("alice", announce(infohash=bytes(20))).hears("alice", reply(incomplete=1, infohash=bytes(20)))


def test_offers_in_flight_are_bounded_for_sender_and_receiver() -> None:
    play = Playbook(Limits(max_outstanding=3))
    play.says("victim", announce()).take()
    relayed = 0
    for number in range(10):
        sent = play.says("flooder", announce(offers=(number,))).take()
        relayed += sum(isinstance(message, OfferRelay) for _, message in sent)
    assert relayed == 3
    sent = play.says("other", announce(offers=1)).take()
    assert not any(isinstance(message, OfferRelay) for _, message in sent)
    play.at(61)
    sent = play.says("flooder", announce(offers=(99,))).take()
    assert any(isinstance(message, OfferRelay) for _, message in sent)


@settings(max_examples=150)
@given(st.data())
def test_no_story_leaves_anything_behind(data: st.DataObject) -> None:
    """Whatever happens in whatever order, the books agree, and an empty house is empty."""
    known = [bytes([65 + n]) * 20 for n in range(3)]
    swarm = Swarm(Limits(max_outstanding=4), lambda infohash: infohash in known, Random(0))
    now, serial = 0.0, 0
    people = ["ann", "bob", "cat", "dan"]
    for _ in range(data.draw(st.integers(0, 40))):
        now += data.draw(st.sampled_from([0.0, 1.0, 61.0, 181.0]))
        who = data.draw(st.sampled_from(people))
        conn = ConnId(people.index(who))
        infohash = data.draw(st.sampled_from([*known, b"?" * 20]))
        as_peer = data.draw(st.sampled_from([None, "ann"]))
        match data.draw(st.sampled_from(["announce", "stop", "answer", "close", "retire", "tick"])):
            case "announce":
                serial += 1
                sent = swarm.receive(
                    conn, announce(offers=(serial,), infohash=infohash, as_peer=as_peer)(who), now
                )
                assert sent[0].conn == conn
                assert all(isinstance(s.reply, OfferRelay) and s.conn != conn for s in sent[1:])
            case "stop":
                (one,) = swarm.receive(
                    conn, announce(event=Event.STOPPED, infohash=infohash, as_peer=as_peer)(who), now
                )
                assert isinstance(one.reply, AnnounceReply)
            case "answer":
                to = data.draw(st.sampled_from(people))
                sent = swarm.receive(conn, answer(to, serial, infohash=infohash, as_peer=as_peer)(who), now)
                assert all(s.reply.peer_id == peer(as_peer or who) for s in sent)  # type: ignore[union-attr]
            case "close":
                swarm.closed(conn)
            case "retire":
                swarm.retire(infohash)
            case "tick":
                swarm.tick(now)
        total = sum(swarm.counts(i).complete + swarm.counts(i).incomplete for i in known)
        assert total == len(swarm._heard) == sum(len(c.peer_ids) for c in swarm._connections.values())
        ends = Counter(end for o in swarm._in_flight.values() for end in o[:2])
        assert all(len(c.offers) == ends[conn] <= 4 for conn, c in swarm._connections.items())
    for number in range(len(people)):
        swarm.closed(ConnId(number))
    assert not swarm._connections
    assert not swarm._rosters
    assert not swarm._in_flight
    assert not swarm._heard
