"""Reservations: whose they are, how long they count, and what sets them free."""

from datetime import timedelta

import pytest

from portal.db.gateways import gateway_named
from portal.db.reservations import drop_expired, release, reserve, reserved_tokens
from portal.db.sql.session import Database
from portal.db.tables import Account, Reservation
from tests.cast import NOW, Gateway, new_gateway, report, run, send

LATER = NOW + timedelta(minutes=15)


def held(account: Account, **but: tuple[int, str]) -> int:
    return run(reserved_tokens, account.id, NOW, **but)


def hold(gateway_id: int, request_id: str, account: Account, tokens: int, *, until: timedelta | None = None) -> bool:
    expires_at = LATER if until is None else NOW + until
    return run(reserve, gateway_id, request_id, account.id, tokens, expires_at, NOW)


@pytest.fixture
def other_gateway(db: Database) -> int:
    new_gateway("moe-2")
    row = run(gateway_named, "moe-2")
    assert row is not None
    return row.id


def test_what_is_held_for_an_account_is_the_sum_of_its_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    assert held(alice) == 0
    hold(gateway.id, "r-1", alice, 100)
    hold(gateway.id, "r-2", alice, 20)
    hold(gateway.id, "r-3", bob, 3)
    assert (held(alice), held(bob)) == (120, 3)


def test_a_reservation_counts_until_its_time_is_over(alice: Account, gateway: Gateway) -> None:
    hold(gateway.id, "over", alice, 100, until=timedelta())
    assert held(alice) == 0
    hold(gateway.id, "nearly", alice, 20, until=timedelta(microseconds=1))
    assert held(alice) == 20


def test_one_request_can_be_left_out(alice: Account, gateway: Gateway, other_gateway: int) -> None:
    hold(gateway.id, "r-1", alice, 100)
    hold(other_gateway, "r-1", alice, 20)
    assert held(alice, but=(gateway.id, "r-1")) == 20
    assert held(alice, but=(gateway.id, "r-2")) == 120


def test_reserving_again_replaces(alice: Account, gateway: Gateway) -> None:
    assert hold(gateway.id, "r-1", alice, 100)
    assert hold(gateway.id, "r-1", alice, 30)
    assert held(alice) == 30


def test_nobody_sets_free_what_is_held_for_another(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100)
    assert not hold(gateway.id, "r-1", bob, 1)
    assert (held(alice), held(bob)) == (100, 0)


def test_an_id_whose_time_is_over_is_anybodys(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100, until=timedelta())
    assert hold(gateway.id, "r-1", bob, 1)
    assert (held(alice), held(bob)) == (0, 1)


def test_releasing_takes_one_gateways_requests(alice: Account, gateway: Gateway, other_gateway: int) -> None:
    send(gateway, report("r-1"), report("r-2"))
    for name in ("r-1", "r-2"):
        hold(gateway.id, name, alice, 100)
    hold(other_gateway, "r-1", alice, 5)
    run(release, gateway.id, ["r-1", "unknown"])
    assert held(alice) == 105
    run(release, gateway.id, [])
    assert held(alice) == 105


def test_an_event_of_another_account_releases_nothing(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100)
    send(gateway, report("r-1", username="bob"))
    assert held(alice) == 100


def test_releasing_many_goes_in_portions(alice: Account, gateway: Gateway) -> None:
    names = ("r-0", "r-399", "r-400", "r-800")
    send(gateway, *(report(name) for name in names))
    for name in names:
        hold(gateway.id, name, alice, 1)
    run(release, gateway.id, [f"r-{n}" for n in range(801)])
    assert held(alice) == 0


def test_only_what_is_over_and_ones_own_is_dropped(
    alice: Account, bob: Account, gateway: Gateway, db: Database
) -> None:
    hold(gateway.id, "over", alice, 1, until=timedelta())
    hold(gateway.id, "live", alice, 1, until=timedelta(microseconds=1))
    hold(gateway.id, "bobs", bob, 1, until=timedelta())
    run(drop_expired, alice.id, NOW)
    with db.reading() as session:
        assert {row.request_id for row in session.query(Reservation)} == {"live", "bobs"}
