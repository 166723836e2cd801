"""The owner's view of usage events: borders, ties, pages, and nobody else's rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from portal.actions.metering.notes import write_note
from portal.actions.people.keys import NewKey
from portal.db.metering.usage import (
    Position,
    Selection,
    UsageRow,
    position_of,
    usage_before,
    usage_page,
    usage_row,
    usage_rows,
    usage_totals,
)
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import Order, Status
from portal.rules.people.secrets import digest
from tests.cast import NOW, Gateway, acting, report, run, send

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
EVER = Selection(NOW - 1000 * HOUR, NOW + HOUR)
ORDERS = pytest.mark.parametrize("order", Order, ids=lambda order: order.value)


def rows(account: Account, wanted: Selection = EVER, order: Order = Order.NEWEST) -> list[UsageRow]:
    return run_in_reading(lambda session: list(usage_rows(session, account.id, wanted, order)))


def models(account: Account, wanted: Selection = EVER, order: Order = Order.NEWEST) -> list[str]:
    return [row.model for row in rows(account, wanted, order)]


def totals_of(account: Account, wanted: Selection = EVER) -> Figures:
    return run(usage_totals, account.id, wanted, ZoneInfo("UTC")).stored


@pytest.fixture
def two_people(alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway) -> None:
    """Twelve requests of each, at the same instants and of the same sizes, many of them ties."""
    for who, key in (("alice", alices_key), ("bob", bobs_key)):
        send(
            gateway,
            *(
                report(
                    f"{who}-{n}",
                    key_hash=digest(key.secret),
                    model=f"{who}-{n}",
                    mode=("native", "moe_reasoning")[n % 2],
                    status=("ok", "ok", "error", "timeout")[n % 4],
                    requested_at=NOW - HOUR * (n // 4),
                    prompt_tokens=100 * (n % 3),
                    completion_tokens=7,
                )
                for n in range(12)
            ),
        )


def test_a_row_tells_all_about_a_request(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    reported = report(
        model="qwen3:32b",
        mode="moe_orchestrated",
        key_hash=digest(alices_key.secret),
        prompt_tokens=743,
        completion_tokens=257,
        cached_tokens=10,
        reasoning_tokens=20,
        status="timeout",
        requested_at=NOW - HOUR,
        latency_ms=1234,
        template="research",
        cost_factor=Decimal("1.5"),
        session_id="s-1",
        provider_model="ollama/qwen3:32b-q4",
    )
    send(gateway, reported)
    (row,) = rows(alice)
    run(write_note, acting(alice), row.id, "Why?", NOW)
    assert rows(alice) == [
        UsageRow(
            id=row.id,
            requested_at=NOW - HOUR,
            model="qwen3:32b",
            provider_model="ollama/qwen3:32b-q4",
            template="research",
            key_label="Alice's laptop",
            key_prefix=alices_key.prefix,
            mode="moe_orchestrated",
            prompt_tokens=743,
            completion_tokens=257,
            cached_tokens=10,
            reasoning_tokens=20,
            billable_tokens=1500,
            cost_factor=Decimal("1.5"),
            cost_nano_eur=30_000_000,
            status="timeout",
            latency_ms=1234,
            note="Why?",
        )
    ]
    assert row.total_tokens == 1000


def test_usage_reported_by_user_name_has_no_key(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(username="alice"))
    (row,) = rows(alice)
    assert (row.key_label, row.key_prefix, row.template, row.latency_ms, row.note) == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        pytest.param(NOW, NOW + MICROSECOND, ["now"], id="since is included"),
        pytest.param(NOW + MICROSECOND, NOW + HOUR, [], id="and nothing before it"),
        pytest.param(NOW - HOUR, NOW, ["just before", "an hour ago"], id="until is not included"),
        pytest.param(
            NOW - HOUR + MICROSECOND, NOW + MICROSECOND, ["now", "just before"], id="nor what is before since"
        ),
        pytest.param(NOW, NOW, [], id="an empty span"),
        pytest.param(NOW + HOUR, NOW - HOUR, [], id="a span that ends before it begins"),
    ],
)
def test_a_span_includes_its_start_and_not_its_end(
    alice: Account, gateway: Gateway, since: datetime, until: datetime, found: list[str]
) -> None:
    send(
        gateway,
        report("r-1", model="an hour ago", requested_at=NOW - HOUR),
        report("r-2", model="just before", requested_at=NOW - MICROSECOND),
        report("r-3", model="now", requested_at=NOW),
    )
    assert models(alice, Selection(since, until)) == found
    assert totals_of(alice, Selection(since, until)).requests == len(found)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        pytest.param({}, 12, id="everything"),
        pytest.param({"mode": "native"}, 6, id="a mode"),
        pytest.param({"mode": "NATIVE"}, 0, id="a mode is written as it is"),
        pytest.param({"mode": "nat%"}, 0, id="a mode is no pattern"),
        pytest.param({"status": Status.OK}, 6, id="what went well"),
        pytest.param({"status": Status.ERROR}, 6, id="anything else is an error"),
        pytest.param({"status": Status.ERROR, "mode": "native"}, 3, id="both at once"),
        pytest.param({"model": "alice-3"}, 1, id="a model"),
        pytest.param({"model": "bob-3"}, 0, id="somebody else's model"),
        pytest.param({"key_ids": []}, 0, id="no key at all"),
        pytest.param({"since": NOW - HOUR}, 8, id="a later start"),
    ],
)
def test_filters(two_people: None, alice: Account, wanted: dict[str, object], count: int) -> None:
    selection = Selection(**{"since": EVER.since, "until": EVER.until, **wanted})  # type: ignore[arg-type]  # named above
    found = rows(alice, selection)
    assert len(found) == count
    assert totals_of(alice, selection) == Figures(
        tokens=sum(row.billable_tokens for row in found),
        prompt_tokens=sum(row.prompt_tokens for row in found),
        completion_tokens=sum(row.completion_tokens for row in found),
        requests=count,
        cost_nano_eur=sum(row.cost_nano_eur or 0 for row in found),
    )


def test_filter_by_key(two_people: None, alice: Account, alices_key: NewKey, bobs_key: NewKey) -> None:
    assert len(rows(alice, Selection(EVER.since, EVER.until, key_ids=[alices_key.id]))) == 12
    assert rows(alice, Selection(EVER.since, EVER.until, key_ids=[bobs_key.id])) == []


@ORDERS
def test_nobody_sees_anothers_rows(
    two_people: None, alice: Account, bob: Account, charlie: Account, order: Order
) -> None:
    assert {model.split("-")[0] for model in models(alice, order=order)} == {"alice"}
    assert {model.split("-")[0] for model in models(bob, order=order)} == {"bob"}
    assert rows(charlie, order=order) == []
    assert totals_of(charlie, EVER) == Figures()
    assert run(usage_page, charlie.id, EVER, order, 500) == []
    for row in rows(bob):
        assert run(usage_row, alice.id, row.id) is None
        assert run(usage_row, bob.id, row.id) == row


def test_a_row_that_does_not_exist(alice: Account) -> None:
    assert run(usage_row, alice.id, 2**62) is None


SORTS: dict[Order, Callable[[UsageRow], tuple[object, ...]]] = {
    Order.NEWEST: lambda row: (-row.requested_at.timestamp(), -row.id),
    Order.OLDEST: lambda row: (row.requested_at.timestamp(), row.id),
    Order.LARGEST: lambda row: (-row.total_tokens, -row.id),
}


@ORDERS
def test_rows_come_in_order_and_ties_by_id(two_people: None, alice: Account, order: Order) -> None:
    found = rows(alice, order=order)
    assert found == sorted(found, key=SORTS[order])


@ORDERS
@pytest.mark.parametrize("size", [1, 3, 5, 12])
def test_pages_follow_each_other_and_lead_back(two_people: None, alice: Account, order: Order, size: int) -> None:
    """Rows with the same instant or the same size lie on both sides of many borders here."""
    everything = rows(alice, order=order)
    pages: list[list[UsageRow]] = []
    after: Position | None = None
    while page := run(usage_page, alice.id, EVER, order, size, after):
        pages.append(page)
        assert len(pages) <= 12, "each page goes on behind the last one"
        after = position_of(page[-1], order)
    assert [row for page in pages for row in page] == everything
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)

    for earlier, later in pairwise(pages):
        before = position_of(later[0], order)
        assert run(usage_page, alice.id, EVER, order, size, before, backwards=True) == earlier
        assert run(usage_before, alice.id, EVER, order, before) == everything.index(later[0])
    first = position_of(everything[0], order)
    assert run(usage_page, alice.id, EVER, order, size, first, backwards=True) == []
    assert run(usage_before, alice.id, EVER, order, first) == 0


@ORDERS
def test_pages_of_a_filter_hold_nothing_else(two_people: None, alice: Account, order: Order) -> None:
    wanted = Selection(EVER.since, EVER.until, mode="native", status=Status.OK)
    everything = rows(alice, wanted, order)
    middle = position_of(everything[1], order)
    assert len(everything) == 3
    assert run(usage_page, alice.id, wanted, order, 10, middle) == everything[2:]
    assert run(usage_page, alice.id, wanted, order, 10, middle, backwards=True) == everything[:1]
    assert run(usage_before, alice.id, wanted, order, middle) == 1


def test_a_page_goes_on_where_it_ended_though_newer_rows_arrive(
    two_people: None, alice: Account, gateway: Gateway
) -> None:
    page = run(usage_page, alice.id, EVER, Order.NEWEST, 5)
    rest = rows(alice)[5:]
    send(gateway, report("late", requested_at=NOW))
    assert run(usage_page, alice.id, EVER, Order.NEWEST, 50, position_of(page[-1], Order.NEWEST)) == rest


def test_many_rows_are_streamed_in_order(alice: Account, gateway: Gateway) -> None:
    """More than one batch of the cursor, all of one instant."""
    many = [report(f"r-{n}", requested_at=NOW) for n in range(1000)]
    send(gateway, *many)
    send(gateway, report("one-more", requested_at=NOW))
    found = rows(alice)
    assert len(found) == 1001
    assert [row.id for row in found] == sorted((row.id for row in found), reverse=True)


def test_sums_may_exceed_what_one_request_can_hold(alice: Account, gateway: Gateway) -> None:
    send(gateway, *(report(f"r-{n}", prompt_tokens=10**9, completion_tokens=10**9) for n in range(3)))
    totals = totals_of(alice, EVER)
    assert (totals.tokens, totals.total_tokens) == (6 * 10**9, 6 * 10**9)
    assert all(type(value) is int for value in (totals.tokens, totals.cost_nano_eur, totals.requests))
