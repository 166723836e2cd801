"""The facts that decide whether a key may spend, and reservations; the decisions are tested in tests/actions."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.people.keys import NewKey
from portal.db.metering.gateways import gateway_named
from portal.db.spending.authorization import (
    AuthorizationContext,
    Spender,
    authorization_context,
    drop_expired,
    release,
    reserve,
)
from portal.db.sql.session import Database
from portal.db.tables import Account, PrunedEvent, Reservation
from portal.rules.people.secrets import digest
from tests.cast import NOW, Gateway, new_gateway, report, reserved_tokens, run, send

LATER = NOW + timedelta(minutes=15)


def about(db: Database, token: str, key: str, request_id: str | None = None) -> AuthorizationContext:
    with db.glance() as connection:
        found = authorization_context(connection, digest(token), digest(key), NOW.date(), NOW, exclude=request_id)
    assert found is not None
    return found


def test_a_stored_or_pruned_event_is_reported(alices_key: NewKey, gateway: Gateway, db: Database) -> None:
    other = new_gateway("moe-2")
    send(gateway, report("stored"))
    with db.transaction() as session:
        session.add(PrunedEvent(gateway_id=gateway.id, external_id="pruned", fingerprint="0" * 64))

    def is_reported(token: str, request_id: str | None) -> bool:
        return about(db, token, alices_key.secret, request_id).is_reported

    assert is_reported(gateway.token, "stored") is is_reported(gateway.token, "pruned") is True
    assert is_reported(gateway.token, "new") is is_reported(gateway.token, None) is False
    assert is_reported(other.token, "stored") is is_reported(other.token, "pruned") is False


@pytest.mark.parametrize(
    ("left", "expired"),
    [
        pytest.param(timedelta(), True, id="the time is just over"),
        pytest.param(timedelta(microseconds=1), False, id="it is nearly"),
    ],
)
def test_what_an_account_holds_is_over(
    alice: Account,
    alices_key: NewKey,
    bobs_key: NewKey,
    gateway: Gateway,
    db: Database,
    left: timedelta,
    expired: bool,
) -> None:
    hold(gateway.id, "r-1", alice, 5, until=left)
    assert about(db, gateway.token, alices_key.secret).holds_expired is expired
    assert not about(db, gateway.token, bobs_key.secret).holds_expired
    assert not about(db, gateway.token, "nobody's").holds_expired


# Reservations


def hold(gateway_id: int, request_id: str, account: Account, tokens: int, *, until: timedelta | None = None) -> bool:
    expires_at = LATER if until is None else NOW + until
    no_key: Any = None
    spender = Spender(no_key, account.id, account.username, True, None, None, None, None, Decimal(1), None, True, ())
    return run(reserve, gateway_id, request_id, spender, tokens, expires_at, NOW)


@pytest.fixture
def other_gateway(db: Database) -> int:
    new_gateway("moe-2")
    row = run(gateway_named, "moe-2")
    assert row is not None
    return row.id


def test_what_is_held_for_an_account_is_the_sum_of_its_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    assert reserved_tokens(alice) == 0
    hold(gateway.id, "r-1", alice, 100)
    hold(gateway.id, "r-2", alice, 20)
    hold(gateway.id, "r-3", bob, 3)
    assert (reserved_tokens(alice), reserved_tokens(bob)) == (120, 3)


def test_a_reservation_counts_until_its_time_is_over(alice: Account, gateway: Gateway) -> None:
    hold(gateway.id, "over", alice, 100, until=timedelta())
    assert reserved_tokens(alice) == 0
    hold(gateway.id, "nearly", alice, 20, until=timedelta(microseconds=1))
    assert reserved_tokens(alice) == 20


def test_what_is_held_for_the_request_itself_is_excluded(
    alice: Account, alices_key: NewKey, gateway: Gateway, other_gateway: int, db: Database
) -> None:
    hold(gateway.id, "r-1", alice, 100)
    hold(other_gateway, "r-1", alice, 20)

    def reserved(request_id: str) -> int:
        spender = about(db, gateway.token, alices_key.secret, request_id).spender
        assert spender is not None
        return spender.budgets[0].spent.reserved

    assert (reserved("r-1"), reserved("r-2")) == (20, 120)


def test_reserving_again_replaces(alice: Account, gateway: Gateway) -> None:
    assert hold(gateway.id, "r-1", alice, 100)
    assert hold(gateway.id, "r-1", alice, 30)
    assert reserved_tokens(alice) == 30


def test_nobody_sets_free_what_is_held_for_another(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100)
    assert not hold(gateway.id, "r-1", bob, 1)
    assert (reserved_tokens(alice), reserved_tokens(bob)) == (100, 0)


def test_an_id_whose_time_is_over_is_anybodys(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100, until=timedelta())
    assert hold(gateway.id, "r-1", bob, 1)
    assert (reserved_tokens(alice), reserved_tokens(bob)) == (0, 1)


def test_releasing_takes_one_gateways_requests(alice: Account, gateway: Gateway, other_gateway: int) -> None:
    send(gateway, report("r-1"), report("r-2"))
    for name in ("r-1", "r-2"):
        hold(gateway.id, name, alice, 100)
    hold(other_gateway, "r-1", alice, 5)
    run(release, gateway.id, ["r-1", "unknown"])
    assert reserved_tokens(alice) == 105
    run(release, gateway.id, [])
    assert reserved_tokens(alice) == 105


def test_an_event_of_another_account_releases_nothing(alice: Account, bob: Account, gateway: Gateway) -> None:
    hold(gateway.id, "r-1", alice, 100)
    send(gateway, report("r-1", username="bob"))
    assert reserved_tokens(alice) == 100


def test_releasing_many_goes_in_portions(alice: Account, gateway: Gateway) -> None:
    names = ("r-0", "r-399", "r-400", "r-800")
    send(gateway, *(report(name) for name in names))
    for name in names:
        hold(gateway.id, name, alice, 1)
    run(release, gateway.id, [f"r-{n}" for n in range(801)])
    assert reserved_tokens(alice) == 0


def test_only_what_is_over_and_ones_own_is_dropped(
    alice: Account, bob: Account, gateway: Gateway, db: Database
) -> None:
    hold(gateway.id, "over", alice, 1, until=timedelta())
    hold(gateway.id, "live", alice, 1, until=timedelta(microseconds=1))
    hold(gateway.id, "bobs", bob, 1, until=timedelta())
    run(drop_expired, alice.id, NOW)
    with db.reading() as session:
        assert {row.request_id for row in session.query(Reservation)} == {"live", "bobs"}
