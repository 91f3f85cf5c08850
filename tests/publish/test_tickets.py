"""What stands for a key, and where."""

from __future__ import annotations

from seeder.publish.tickets import MOST, Tickets


def test_a_ticket_stands_for_its_key_on_this_machine_alone() -> None:
    tickets = Tickets()
    ticket = tickets.give("KEY")
    assert "KEY" not in ticket
    assert tickets.give("KEY") == ticket
    assert tickets.key(ticket, "127.0.0.1") == tickets.key(ticket, "::1") == "KEY"
    assert tickets.key(ticket, "192.0.2.7") == tickets.key(ticket, "") == ticket
    assert tickets.key("OTHER", "127.0.0.1") == "OTHER"
    assert Tickets().key(ticket, "127.0.0.1") == ticket


def test_tickets_used_longest_ago_are_forgotten() -> None:
    tickets = Tickets()
    first, second = tickets.give("first"), tickets.give("second")
    tickets.key(first, "::1")
    for number in range(MOST - 1):
        tickets.give(str(number))
    assert tickets.key(first, "::1") == "first"
    assert tickets.key(second, "::1") == second
