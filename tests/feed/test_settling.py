from __future__ import annotations

from seeder.feed.settling import QUIET_PLAYLIST, QUIET_SEGMENT, Settling


def test_what_nobody_wrote_to_is_settled() -> None:
    assert Settling().settled("a.ts", 0.0, QUIET_SEGMENT)


def test_a_file_is_settled_when_closed_or_quiet_for_long_enough() -> None:
    settling = Settling()
    settling.written("a.ts", 10.0)
    assert not settling.settled("a.ts", 10.1, QUIET_PLAYLIST)
    assert settling.settled("a.ts", 10.0 + QUIET_PLAYLIST, QUIET_PLAYLIST)
    assert not settling.settled("a.ts", 10.0 + QUIET_PLAYLIST, QUIET_SEGMENT)
    settling.closed("a.ts")
    assert settling.settled("a.ts", 10.0, QUIET_SEGMENT)


def test_quiet_files_are_forgotten_and_busy_ones_are_not() -> None:
    settling = Settling()
    settling.written("quiet.ts", 0.0)
    settling.written("busy.ts", 9.0)
    settling.expire(10.0)
    assert list(settling._written) == ["busy.ts"]
