"""A ticket is good for one call and for a while, wherever the same token is configured."""

from __future__ import annotations

import pytest

from mediasrv.server.console.tickets import GOOD_FOR_S, Tickets


class Clock:
    now_s = 1_000_000.5

    def __call__(self) -> float:
        return self.now_s


def test_a_ticket_is_good_until_its_time_is_over() -> None:
    clock = Clock()
    tickets = Tickets("the operator's token", clock)
    ticket = tickets.ticket("call-1")
    clock.now_s += GOOD_FOR_S - 1
    assert tickets.is_good(ticket, "call-1")
    assert Tickets("the operator's token", clock).is_good(ticket, "call-1"), "another process knows it too"
    clock.now_s += 2
    assert not tickets.is_good(ticket, "call-1")


def test_a_ticket_is_for_one_call_and_one_token() -> None:
    clock = Clock()
    ticket = Tickets("the operator's token", clock).ticket("call-1")
    assert not Tickets("the operator's token", clock).is_good(ticket, "call-2")
    assert not Tickets("another token of theirs", clock).is_good(ticket, "call-1")


@pytest.mark.parametrize("change", ["", ".", "9999999999", "x.y", "٣.00", "\udcff.1", "1000600.", "later"])
def test_a_ticket_that_was_made_up_is_not_good(change: str) -> None:
    clock = Clock()
    tickets = Tickets("the operator's token", clock)
    later = "9" + tickets.ticket("call-1")
    assert not tickets.is_good(later if change == "later" else change, "call-1")
