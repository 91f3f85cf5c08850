from __future__ import annotations

from seeder.tracker.guests import with_guests

OURS, GUEST, STRANGER = b"o" * 20, b"g" * 20, b"s" * 20


def test_guests_are_known_beside_our_own_and_nobody_else() -> None:
    knows = with_guests(OURS.__eq__, (GUEST.hex(),))
    assert [knows(infohash) for infohash in (OURS, GUEST, STRANGER)] == [True, True, False]
    assert not with_guests(OURS.__eq__, ())(GUEST)


def test_any_swarm_may_be_let_in() -> None:
    assert with_guests(OURS.__eq__, ("any",))(STRANGER)
