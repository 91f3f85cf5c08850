"""Who waits in front of our own seed, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from seeder.tracker.limits import Limits
from seeder.tracker.reception import ASK_AGAIN, Held, Reception, plain_sdp
from seeder.tracker.wire import Offer, OfferRelay
from tests.tracker.playbook import MOVIE, Playbook, announce, answer, answered, offered, reply

OTHER = b"other".ljust(20, b".")
LIMITS = Limits(seed_rate=1, seed_burst=3, seed_nudge_rate=1, seed_nudge_burst=2, seed_held=4)


def held(client: str, number: int = 0, infohash: bytes = MOVIE, expires: float = 1000) -> Held[str]:
    conn = f"{client}/{number}"
    return Held(infohash, conn, client, conn.encode().ljust(20), Offer(conn.encode().ljust(20), ""), expires)


def conns(reception: Reception[str], now: float) -> list[str]:
    return [one.conn for one in reception.next(now)[0]]


def test_who_was_served_longest_ago_comes_first_whatever_a_flood_sends() -> None:
    reception: Reception[str] = Reception(Limits(seed_burst=2, seed_rate=1))
    reception.announced(MOVIE, 100)
    for number in range(10):
        reception.hold(held("flood", number))
    assert conns(reception, 0) == ["flood/0", "flood/1"]
    reception.hold(held("alice"))
    assert conns(reception, 1) == ["alice/0"]
    assert conns(reception, 2) == ["flood/2"]


def test_behind_one_address_the_connections_take_turns() -> None:
    reception: Reception[str] = Reception(Limits(seed_burst=1, seed_rate=1))
    reception.announced(MOVIE, 100)
    for now in range(3):
        reception.hold(held("office", 0))
        reception.hold(held("office", 1))
        assert conns(reception, now) == [f"office/{now % 2}"]


def test_a_spent_quota_has_the_seed_asked_to_announce_again_and_not_twice_at_once() -> None:
    reception: Reception[str] = Reception(Limits())
    reception.announced(MOVIE, 1)
    reception.hold(held("alice"))
    reception.hold(held("bob"))
    relayed, asked = reception.next(0)
    assert ([one.client for one in relayed], asked) == (["alice"], [MOVIE])
    assert reception.next(0.5) == ([], [])
    assert reception.next(ASK_AGAIN) == ([], [MOVIE])  # lost?
    reception.announced(MOVIE, 3)
    assert conns(reception, ASK_AGAIN + 0.1) == ["bob/0"]


def test_the_seed_is_asked_to_announce_for_one_while_others_take_all_it_answers() -> None:
    reception: Reception[str] = Reception(LIMITS)
    reception.announced(MOVIE, 0)
    reception.announced(OTHER, 1000)
    for number in range(10):
        reception.hold(held("flood", number, OTHER))
        reception.next(0)
    reception.hold(held("flood", 11, OTHER))
    reception.hold(held("alice"))
    assert reception.next(0) == ([], [MOVIE])
    reception.announced(MOVIE, 1)
    assert conns(reception, 1) == ["alice/0"]


def test_what_the_seed_negotiates_is_bounded_in_all() -> None:
    reception: Reception[str] = Reception(LIMITS)
    for number in range(50):
        infohash = bytes([number]) * 20
        reception.announced(infohash, 10)
        reception.hold(held(f"c{number}", infohash=infohash))
        reception.hold(held(f"d{number}", infohash=infohash))
    assert len(reception) == 4
    relayed = sum(len(reception.next(second / 10)[0]) for second in range(101))
    assert relayed <= 3 + 10


def test_a_full_line_loses_who_was_served_last_or_came_last() -> None:
    reception: Reception[str] = Reception(LIMITS)
    reception.served("greedy", "greedy/0", 5)
    for client in ("greedy", "a", "b", "c", "d", "e"):
        reception.hold(held(client))
    reception.announced(MOVIE, 10)
    assert conns(reception, 100) == ["a/0", "b/0", "c/0"]


def test_an_offer_does_not_wait_longer_than_its_maker() -> None:
    reception: Reception[str] = Reception(Limits())
    reception.hold(held("alice", expires=20))
    assert reception.next(20) == ([], [])
    assert len(reception) == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=200))
def test_an_honest_peer_is_served_before_any_client_is_served_twice(flood: list[tuple[int, int]]) -> None:
    reception: Reception[str] = Reception(Limits(seed_burst=1, seed_rate=1))
    reception.announced(MOVIE, 1000)
    reception.hold(held("honest"))
    before: list[str] = []
    for now, (client, number) in enumerate(flood):
        reception.hold(held(f"bad{client}", number))
        served = [one.client for one in reception.next(now)[0]]
        before += served
        if "honest" in served:
            break
    assert len(set(before)) == len(before)


# in the swarm


def at_home(
    offers: int = 2, limits: Limits | None = None, knows: Callable[[bytes], bool] = lambda infohash: True
) -> Playbook:
    """Our seed has announced the movie."""
    play = Playbook(limits or Limits(), knows)
    play.swarm.opened(play.conn("seed"), "home", home=True)
    play.says("seed", announce(offers=offers, seed=True)).take()
    return play


def offers_to(play: Playbook, who: str) -> list[str]:
    return [type(message).__name__ for name, message in play.take() if name == who]


def test_a_leecher_s_first_offer_is_our_seed_s_and_the_answer_comes_back() -> None:
    play = at_home()
    for number in range(50):
        play.says(f"fake{number}", announce()).take()
    play.says("alice", announce(offers=1)).hears("alice", reply(1, 51)).hears("seed", offered_plain("alice"))
    play.says("seed", answer("alice", 0)).hears("alice", answered("seed", "alice", 0)).silence()


def test_our_seed_is_asked_for_more_as_soon_as_somebody_waits() -> None:
    play = at_home(offers=1)
    play.says("alice", announce(offers=1)).take()
    play.says("bob", announce(offers=1))
    assert offers_to(play, "seed") == ["AnnounceReply"]
    play.says("seed", announce(offers=(1,), seed=True))
    assert "OfferRelay" in offers_to(play, "seed")


def test_a_flood_s_unanswered_offers_do_not_close_our_seed() -> None:
    play = at_home(limits=Limits(max_outstanding=4))
    for second in range(1, 40):
        play.swarm.opened(play.conn(f"bad{second}"), "bad")
        play.at(second).says(f"bad{second}", announce(offers=10)).take()
        play.says("seed", announce(offers=(second * 10, second * 10 + 1), seed=True)).take()
    heard = play.at(40).says("alice", announce(offers=1)).take()
    heard += play.says("seed", announce(offers=(500, 501), seed=True)).take()
    assert ("seed", offered_plain("alice")) in heard


def test_our_seed_offers_to_those_who_had_none_yet() -> None:
    play = at_home()
    for name in ("alice", "bob", "carol"):
        play.says(name, announce()).take()
    play.says("seed", announce(offers=(10, 11), seed=True))
    first = {who for who, _ in play.take()} - {"seed"}
    play.says("seed", announce(offers=(12,), seed=True))
    assert len(first) == 2
    assert {who for who, _ in play.take()} - {"seed"} == {"alice", "bob", "carol"} - first


def test_what_left_or_retired_no_longer_waits() -> None:
    play = at_home(offers=1)
    for name in ("alice", "bob", "carol"):
        play.says(name, announce(offers=1)).take()
    play.leaves("bob")
    play.says("seed", announce(offers=(5, 6, 7), seed=True))
    assert offers_to(play, "seed").count("OfferRelay") == 1
    play.says("dave", announce(offers=1)).take()
    play.retires().take()
    assert len(play.swarm._reception) == 0
    play.leaves("seed")
    assert play.swarm._home is None


def test_what_waited_for_a_segment_that_has_left_the_window_no_longer_reaches_the_seed() -> None:
    known = {MOVIE}
    play = at_home(offers=1, knows=known.__contains__)
    for name in ("alice", "bob"):
        play.says(name, announce(offers=1)).take()
    known.clear()
    play.swarm._reception.announced(MOVIE, 3)
    play.at(1)
    assert offers_to(play, "seed") == []


def offered_plain(who: str) -> OfferRelay:
    relay = offered(who, 0)
    return OfferRelay(relay.infohash, relay.peer_id, Offer(relay.offer.offer_id, relay.offer.sdp + "\r\n"))


def test_the_seed_is_told_no_names_to_look_up_and_not_too_many_addresses() -> None:
    def candidate(address: str) -> str:
        return f"a=candidate:1 1 udp 2113937151 {address} 9 typ host"

    lines = ["v=0", "a=ice-ufrag:x", candidate("0a1b.local"), candidate("slow.example.org"), "a=candidate:"]
    good = [candidate("192.0.2.1"), candidate("2001:db8::1")]
    assert plain_sdp("\r\n".join([*lines, *good])) == "v=0\r\na=ice-ufrag:x\r\n" + "\r\n".join(good) + "\r\n"
    assert plain_sdp("\r\n".join([candidate("192.0.2.1")] * 500)).count("candidate") == 24
