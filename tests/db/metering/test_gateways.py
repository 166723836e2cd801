"""Gateways and their tokens."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.db.metering import gateways
from portal.db.metering.gateways import (
    FirstEvent,
    add_gateway,
    add_token,
    all_gateways,
    first_event,
    gateway_named,
    gateway_with_token,
    revoke_tokens,
    tokens_of,
)
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.cast import NOW, Gateway, report, run, send


def test_a_gateway_is_known_by_any_of_its_tokens_until_revoked(db: Database) -> None:
    first, second = run(add_gateway, "first", "native", NOW).id, run(add_gateway, "second", "native", NOW).id
    run(add_token, first, "one", "moe-gw-1", NOW)
    run(add_token, first, "two", "moe-gw-2", NOW)
    run(add_token, second, "three", "moe-gw-1", NOW)

    def names() -> dict[str, str | None]:
        found = {token: run(gateway_with_token, token) for token in ("one", "two", "three", "unknown", "")}
        return {token: row.name if row else None for token, row in found.items()}

    assert names() == {"one": "first", "two": "first", "three": "second", "unknown": None, "": None}
    assert run(revoke_tokens, first, NOW, prefix="moe-gw-1") == 1
    assert names() == {"one": None, "two": "first", "three": "second", "unknown": None, "": None}
    assert run(revoke_tokens, first, NOW) == 1
    assert run(revoke_tokens, first, NOW) == 0
    assert names() == {"one": None, "two": None, "three": "second", "unknown": None, "": None}
    assert [token.token_hash for token in run(tokens_of, first)] == ["one", "two"]


def test_gateways_by_name(db: Database) -> None:
    run(add_gateway, "b", "native", NOW)
    run(add_gateway, "a", "native", NOW)
    assert [row.name for row in run(all_gateways)] == ["a", "b"]
    assert run(gateway_named, "c") is None
    with pytest.raises(IntegrityError):
        run(add_gateway, "a", "native", NOW)


def test_first_event_is_the_one_stored_first(alice: Account, gateway: Gateway) -> None:
    assert run(first_event, gateway.id) is None
    send(gateway, report("b", model="stored-first"))
    send(gateway, report("a", model="stored-later"), now=NOW + timedelta(minutes=1))
    assert run(first_event, gateway.id) == FirstEvent("stored-first", "alice", NOW)


def test_first_event_of_many_is_searched_in_the_order_of_ids(
    alice: Account, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "MOST_SEARCHED", 2)
    for id in "edcba":
        send(gateway, report(id, model=f"m-{id}"))
    assert run(first_event_in_other_plan, gateway.id) == FirstEvent("m-c", "alice", NOW, is_exact=False)


def first_event_in_other_plan(session: Session, gateway_id: int) -> FirstEvent | None:
    """Return the first event while the database reads rows that nothing orders in another order than usual."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL enable_indexscan = off"))
        return first_event(session, gateway_id)
    session.execute(text("PRAGMA reverse_unordered_selects = on"))
    try:
        return first_event(session, gateway_id)
    finally:
        session.execute(text("PRAGMA reverse_unordered_selects = off"))
