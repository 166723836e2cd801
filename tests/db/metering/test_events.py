"""Events are stored once and for ever; what cannot be counted is held."""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.db.metering.events import NewEvent, account_events, count_events, fingerprints, insert_events
from portal.db.metering.held import NewHeld, hold_events, release_events
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, HeldEvent, UsageEvent
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import REQUEST_FIELDS, UsageReport
from tests.cast import NOW, Gateway, run
from tests.queries import count_held


@pytest.fixture
def event(alice: Account, gateway: Gateway) -> NewEvent:
    return NewEvent(
        gateway_id=gateway.id,
        external_id="r-1",
        fingerprint="f" * 64,
        account_id=alice.id,
        api_key_id=None,
        team_id=None,
        session_id=None,
        model="qwen",
        provider_model=None,
        mode="native",
        template=None,
        status="ok",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=5,
        reasoning_tokens=6,
        cost_factor=Decimal("1.5"),
        billable_tokens=180,
        cost_nano_eur=3_600_000,
        latency_ms=None,
        requested_at=NOW,
        received_at=NOW,
    )


def test_new_events_have_the_columns_of_their_table() -> None:
    columns = {column.name for column in UsageEvent.__table__.columns} - {"id"}
    assert set(NewEvent._fields) == columns
    assert set(REQUEST_FIELDS) <= set(NewEvent._fields) & {field.name for field in fields(UsageReport)}


def test_an_event_is_stored_once(event: NewEvent) -> None:
    assert run(insert_events, [event]) == {"r-1"}
    assert run(insert_events, [event]) == set()
    assert run(insert_events, [event._replace(prompt_tokens=1, fingerprint="0" * 64)]) == set()
    assert run(count_events) == 1
    assert run(fingerprints, event.gateway_id, ["r-1", "r-2"]) == {"r-1": "f" * 64}


def test_of_a_batch_the_new_ones_are_stored(event: NewEvent) -> None:
    run(insert_events, [event])
    batch = [event._replace(external_id=f"r-{n}") for n in (3, 1, 2)]
    assert run(insert_events, batch) == {"r-2", "r-3"}
    assert run(insert_events, []) == set()


def test_a_large_batch_is_stored_whole(event: NewEvent) -> None:
    """Larger than what one statement of either database can carry; optional columns here and there."""
    batch = [
        event._replace(external_id=f"r-{n}", latency_ms=n if n % 2 else None, template="t" if n % 3 else None)
        for n in range(3000)
    ]
    assert len(run(insert_events, batch)) == 3000
    assert run(count_events) == 3000
    assert len(run(fingerprints, event.gateway_id, [each.external_id for each in batch])) == 3000


def test_ids_differ_exactly(event: NewEvent) -> None:
    ids = ["r-1", "R-1", "r-1 ", "r‑1", "ŕ-1", "r\u0301-1"]  # noqa: RUF001  # a non-breaking hyphen is meant
    assert run(insert_events, [event._replace(external_id=each) for each in ids]) == set(ids)
    assert set(run(fingerprints, event.gateway_id, ids)) == set(ids)


def test_events_of_an_account_come_oldest_first(event: NewEvent, bob: Account) -> None:
    run(insert_events, [event._replace(external_id=f"r-{n}", requested_at=NOW - timedelta(hours=n)) for n in range(3)])
    run(insert_events, [event._replace(external_id="bobs", account_id=bob.id)])
    found = run_in_reading(lambda session: list(account_events(session, event.account_id)))
    assert [each.requested_at for each in found] == [NOW - timedelta(hours=n) for n in (2, 1, 0)]
    assert {each.figures for each in found} == {Figures(180, 100, 20, 1, 3_600_000)} == {event.figures}
    assert {(each.model, each.mode) for each in found} == {("qwen", "native")}


def held(gateway: Gateway, external_id: str, reason: str = "unattributed", fingerprint: str = "f") -> NewHeld:
    return NewHeld(gateway.id, external_id, fingerprint, reason, "{}", NOW, NOW)


def test_an_event_is_held_once_for_each_content(gateway: Gateway) -> None:
    run(hold_events, [held(gateway, "r-1"), held(gateway, "r-1", fingerprint="g")])
    run(hold_events, [held(gateway, "r-1"), held(gateway, "r-2", "conflict")])
    run(hold_events, [])
    assert run(count_held) == {"unattributed": 2, "conflict": 1}


def test_settled_events_are_not_counted_as_held(gateway: Gateway) -> None:
    run(hold_events, [held(gateway, f"r-{n}") for n in range(1000)])
    run(hold_events, [held(gateway, "r-1", "conflict", "g")])
    run(release_events, gateway.id, {f"r-{n}": "f" for n in range(900)}, NOW)
    assert run(count_held) == {"unattributed": 100, "conflict": 1}
    run(release_events, gateway.id, {"r-1": "f"}, NOW + timedelta(days=1))
    settled = run_in_reading(
        lambda session: {row.resolved_at for row in session.query(HeldEvent) if row.resolved_at is not None}
    )
    assert settled == {NOW}
