"""The members of one swarm: found by peer_id, drawn at random or in turn, counted; each in constant time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Generic, NamedTuple, TypeVar

from seeder.tracker.wire import Counts

Conn = TypeVar("Conn")


class Member(NamedTuple, Generic[Conn]):
    conn: Conn
    peer_id: bytes
    seed: bool


class Roster(Generic[Conn]):
    """A dict alone cannot be sampled without walking it; hence the list beside it, kept dense by moving
    its last member into the place of one that leaves."""

    def __init__(self) -> None:
        self._members: list[Member[Conn]] = []
        self._places: dict[bytes, int] = {}
        self._turns: dict[bytes, int] = {}
        """How far a member has come in being introduced to the others, in :meth:`introduce`."""
        self._seeds = 0
        self.downloaded = 0
        """``completed`` events so far."""

    def get(self, peer_id: bytes) -> Member[Conn] | None:
        place = self._places.get(peer_id)
        return None if place is None else self._members[place]

    def put(self, member: Member[Conn]) -> None:
        """Add ``member`` or replace who has its peer_id."""
        place = self._places.get(member.peer_id)
        if place is None:
            self._places[member.peer_id] = len(self._members)
            self._members.append(member)
        else:
            self._seeds -= self._members[place].seed
            self._members[place] = member
        self._seeds += member.seed

    def remove(self, peer_id: bytes) -> None:
        """KeyError when there is no such member."""
        self._turns.pop(peer_id, None)
        place = self._places.pop(peer_id)
        self._seeds -= self._members[place].seed
        last = self._members.pop()
        if last.peer_id != peer_id:
            self._members[place] = last
            self._places[last.peer_id] = place

    def sample(self, most: int, rng: Random) -> list[Member[Conn]]:
        """Up to ``most`` different members, in random order."""
        members, number = self._members, len(self._members)
        if number < 4 * most:
            return rng.sample(members, min(most, number))
        # Drawing again what was drawn already is rare here, and the rest much faster than rng.sample.
        places: dict[int, None] = {}
        while len(places) < most:
            places[int(rng.random() * number)] = None
        return [members[place] for place in places]

    def introduce(self, peer_id: bytes, most: int, rng: Random) -> Iterator[Member[Conn]]:
        """Up to ``most`` different members that one may meet, itself among them; in a small swarm in turn,
        from a random one on: the next call goes on behind those that were taken of this one, so that all meet
        all. By chance alone two of three may miss each other for minutes."""
        members, number = self._members, len(self._members)
        if number >= 4 * most:
            yield from self.sample(most, rng)
            return
        first = self._turns.get(peer_id)
        if first is None:
            first = int(rng.random() * number)
        for turn in range(first, first + min(most, number)):
            self._turns[peer_id] = turn + 1
            yield members[turn % number]

    @property
    def counts(self) -> Counts:
        return Counts(self._seeds, len(self._members) - self._seeds, self.downloaded)

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member[Conn]]:
        return iter(self._members)
