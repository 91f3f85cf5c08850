from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from seeder.tracker.roster import Member, Roster
from seeder.tracker.wire import Counts

peer_ids = st.integers(0, 5).map(lambda n: bytes([n]) * 20)


@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), peer_ids, st.booleans())), st.integers(0, 9))
def test_a_roster_is_a_dict_that_can_be_sampled(steps: list[tuple[str, bytes, bool]], most: int) -> None:
    roster: Roster[int] = Roster()
    model: dict[bytes, Member[int]] = {}
    for step, peer_id, seed in steps:
        if step == "put":
            model[peer_id] = Member(1, peer_id, seed)
            roster.put(model[peer_id])
        elif model.pop(peer_id, None) is not None:
            roster.remove(peer_id)
    seeds = sum(member.seed for member in model.values())
    assert roster.counts == Counts(seeds, len(model) - seeds, 0)
    assert {member.peer_id: member for member in roster} == model
    assert all(
        roster.get(peer_id) == model.get(peer_id) for peer_id in map(bytes, [[n] * 20 for n in range(6)])
    )
    drawn = roster.sample(most, Random(0))
    assert len(drawn) == len({member.peer_id for member in drawn}) == min(most, len(model))
