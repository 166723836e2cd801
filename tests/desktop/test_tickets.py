"""Tickets of the desktop program: once, and for a minute."""

import pytest

from portal.desktop.tickets import VALID_SECONDS, Tickets


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock: Clock) -> Tickets:
    return Tickets(clock)


def test_ticket_is_valid_once(tickets: Tickets) -> None:
    ticket = tickets.issue()
    assert [tickets.redeem(ticket), tickets.redeem(ticket)] == [True, False]


@pytest.mark.parametrize(("age", "is_valid"), [(VALID_SECONDS - 0.1, True), (VALID_SECONDS, False)])
def test_ticket_is_valid_for_a_minute(tickets: Tickets, clock: Clock, age: float, is_valid: bool) -> None:
    ticket = tickets.issue()
    clock.now += age
    assert tickets.redeem(ticket) is is_valid


@pytest.mark.parametrize("ticket", ["", "x", "ü"])
def test_unknown_ticket_is_invalid(tickets: Tickets, ticket: str) -> None:
    tickets.issue()
    assert not tickets.redeem(ticket)


def test_each_window_has_its_own_ticket(tickets: Tickets) -> None:
    first, second = tickets.issue(), tickets.issue()
    assert [tickets.redeem(second), tickets.redeem(first)] == [True, True]
