"""The price book, and costs that wait for a price."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.actions.metering.verification import rebuild_account, verify_account
from portal.actions.spending import prices
from portal.actions.spending.prices import (
    RepairResult,
    end_model_price,
    enter_model_price,
    enter_price,
    remove_planned_price,
    remove_price,
    repair_costs,
)
from portal.db import tables
from portal.db.metering.events import count_unpriced
from portal.db.metering.totals import counter
from portal.db.spending.prices import price_book
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, AuditEntry, UsageEvent
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import UsageFilter
from portal.rules.periods import EPOCH_DAY, Period, zone
from portal.rules.spending.prices import Price, Rates
from portal.rules.spending.pricing import MAX_TOKENS
from portal.views.metering.usage import load_usage
from portal.views.spending.summary import load_summary
from tests.cast import NOW, OPERATOR, Gateway, audit_log, daily_of, hourly_of, report, results, run, send, viewer_of

UTC = zone("UTC")
DAY = timedelta(1)
RATES = Rates(prompt=Decimal("2.5"), completion=Decimal(10), cached=Decimal("1.25"))
DEAR = Rates(prompt=Decimal(5), completion=Decimal(20), cached=Decimal("2.5"))


def total(account: Account) -> Figures:
    return run(counter, account.id, Period.TOTAL, EPOCH_DAY)


def ties(account: Account) -> bool:
    return not run_in_reading(lambda session: list(verify_account(session, account.id, UTC)))


@pytest.fixture
def without_price(alice: Account, gateway: Gateway) -> None:
    """The book begins today; Alice has made two requests before and one since."""
    run(remove_price, OPERATOR, None, NOW)
    run(enter_price, OPERATOR, Decimal("0.00003"), NOW, NOW)
    days_ago = [report(f"r-{n}", requested_at=NOW - n * DAY) for n in range(3)]
    assert results(send(gateway, *days_ago)) == ["accepted"] * 3


def test_request_without_a_price_is_counted_as_unpriced(without_price: None, alice: Account) -> None:
    assert total(alice) == Figures(360, 300, 60, 3, 3_600_000, unpriced=2)
    assert run(count_unpriced) == 2
    usage = run(load_usage, viewer_of(alice), UsageFilter(), NOW)
    assert [row.cost_nano_eur for row in usage.rows] == [3_600_000, None, None]
    assert usage.totals == total(alice)
    assert ties(alice)


def test_a_repair_prices_what_has_a_price_by_now_in_every_sum(without_price: None, alice: Account) -> None:
    run(enter_price, OPERATOR, Decimal("0.00001"), NOW - DAY - DAY / 2, NOW)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=1, left=1, last=None)
    assert total(alice) == Figures(360, 300, 60, 3, 3_600_000 + 1_200_000, unpriced=1)
    assert ties(alice)
    run(enter_price, OPERATOR, Decimal(0), NOW - 9 * DAY, NOW)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=1, left=0, last=None)
    assert total(alice) == Figures(360, 300, 60, 3, 4_800_000)
    assert run(load_usage, viewer_of(alice), UsageFilter(), NOW).totals == total(alice)
    before = daily_of(alice), hourly_of(alice)
    run(rebuild_account, alice.id, UTC)
    assert (daily_of(alice), hourly_of(alice)) == before


def test_repair_stops_at_the_largest_sum(without_price: None, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    run(enter_price, OPERATOR, Decimal("0.00002"), NOW - 9 * DAY, NOW)
    monkeypatch.setattr("portal.actions.spending.prices.MAX_SUM", 3_600_000 + 2_400_000)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=1, left=1, last=None)
    assert total(alice) == Figures(360, 300, 60, 3, 6_000_000, unpriced=1)
    assert ties(alice)


def test_a_repair_changes_no_cost_that_is_fixed(without_price: None, alice: Account) -> None:
    run(enter_price, OPERATOR, Decimal("0.00002"), NOW - 9 * DAY, NOW)
    run(repair_costs, OPERATOR, None, UTC, NOW)
    run(enter_price, OPERATOR, Decimal("0.5"), NOW - 9 * DAY, NOW)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=0, left=0, last=None)
    assert total(alice).cost_nano_eur == 3_600_000 + 2 * 2_400_000


def test_a_repair_goes_on_where_its_last_batch_ended(
    without_price: None, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "BATCH", 1)
    first = run(repair_costs, OPERATOR, None, UTC, NOW)
    assert (first.left, first.last is not None) == (1, True)
    run(enter_price, OPERATOR, Decimal("0.00002"), NOW - DAY, NOW)
    second = run(repair_costs, OPERATOR, first.last, UTC, NOW)
    assert second.repaired == 1
    assert run(repair_costs, OPERATOR, second.last, UTC, NOW) == RepairResult(0, 0, None)
    assert total(alice).unpriced == 1


def test_a_cost_beyond_all_bounds_is_left(alice: Account, gateway: Gateway) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report(prompt_tokens=MAX_TOKENS, cost_factor=Decimal(1000)))
    run(enter_price, OPERATOR, Decimal(1), NOW - DAY, NOW)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=0, left=1, last=None)
    assert (total(alice).unpriced, total(alice).cost_nano_eur) == (1, 0)


def stored_costs() -> dict[str, tuple[int | None, Decimal | None]]:
    """Return the cost of each event, and the price per million prompt tokens of the entry that made it."""
    wanted = select(UsageEvent.external_id, UsageEvent.cost_nano_eur, tables.Price.prompt_eur)
    query = wanted.outerjoin(tables.Price, tables.Price.id == UsageEvent.price_id)
    return {row[0]: (row[1], row[2]) for row in run(lambda session: session.execute(query).all())}


def test_events_have_the_price_of_their_model(alice: Account, gateway: Gateway) -> None:
    run(enter_model_price, OPERATOR, "gpt-*", RATES, NOW - DAY, NOW)
    run(enter_model_price, OPERATOR, "gpt-4o", DEAR, NOW, NOW)
    reports = [
        report("qwen", model="qwen3"),
        report("mini", model="gpt-4o-mini", cached_tokens=40),
        report("dear", model="GPT-4o", cost_factor=Decimal("1.5")),
        report("before", model="gpt-4o", requested_at=NOW - DAY / 2),
        report("early", model="gpt-4o", requested_at=NOW - 2 * DAY),
        report("unknown", model="gpt-4o", prompt_tokens=0, completion_tokens=0, without_counts=True),
    ]
    assert results(send(gateway, *reports)) == ["accepted"] * 6
    assert stored_costs() == {
        "qwen": (2_400_000, None),
        "mini": (60 * 2500 + 40 * 1250 + 20 * 10_000, RATES.prompt),
        "dear": ((100 * 5000 + 20 * 20_000) * 3 // 2, DEAR.prompt),
        "before": (100 * 2500 + 20 * 10_000, RATES.prompt),
        "early": (2_400_000, None),
        "unknown": (0, None),
    }
    assert ties(alice)


def test_repair_uses_the_price_of_the_model(alice: Account, gateway: Gateway) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("mini", model="gpt-4o-mini", cached_tokens=40, cost_factor=Decimal(2)), report("qwen"))
    run(enter_model_price, OPERATOR, "gpt-*", RATES, NOW - DAY, NOW)
    assert run(repair_costs, OPERATOR, None, UTC, NOW) == RepairResult(repaired=1, left=1, last=None)
    assert stored_costs() == {"mini": (2 * (60 * 2500 + 40 * 1250 + 20 * 10_000), RATES.prompt), "qwen": (None, None)}
    assert ties(alice)


def test_price_is_removed_by_the_pattern_that_entered_it(db: Database) -> None:
    run(enter_model_price, OPERATOR, " GPT-** ", RATES, NOW - DAY, NOW)
    run(remove_price, OPERATOR, NOW - DAY, NOW, pattern=" GPT-** ")
    assert [price.pattern for price in run(price_book)] == [None]


def test_removed_price_of_a_model_no_longer_applies(alice: Account, gateway: Gateway) -> None:
    run(enter_model_price, OPERATOR, "gpt-*", RATES, NOW - DAY, NOW)
    send(gateway, report("r-1", model="gpt-4o"))
    run(remove_price, OPERATOR, NOW - DAY, NOW, pattern="GPT-*")
    send(gateway, report("r-2", model="gpt-4o"))
    assert stored_costs() == {"r-1": (450_000, RATES.prompt), "r-2": (2_400_000, None)}
    with pytest.raises(NotFound, match="no price of gpt-"):
        run(remove_price, OPERATOR, NOW - DAY, NOW, pattern="gpt-*")


def test_price_of_a_model_is_audited_once(db: Database) -> None:
    entered = [run(enter_model_price, OPERATOR, " GPT-4* ", RATES, NOW, NOW, source="by hand") for _ in range(2)]
    assert entered == [True, False]
    ((_, action, details),) = audit_log()
    assert action == "price.set"
    assert details["model"] == "gpt-4*"
    assert (details["prompt"], details["completion"], details["cached"]) == ("2.5", "10", "1.25")


@pytest.mark.parametrize(
    ("pattern", "rates", "field"),
    [
        pytest.param("  ", RATES, "model", id="no pattern"),
        pytest.param("gpt", replace(RATES, cached=Decimal(-1)), "prompt", id="a negative price"),
    ],
)
def test_invalid_price_of_a_model_is_refused(db: Database, pattern: str, rates: Rates, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(enter_model_price, OPERATOR, pattern, rates, NOW, NOW)
    assert caught.value.field == field
    assert len(run(price_book)) == 1


def test_ended_price_no_longer_applies(alice: Account, gateway: Gateway) -> None:
    with pytest.raises(NotFound, match="no price of gpt-"):
        run(end_model_price, OPERATOR, "gpt-*", NOW, NOW)
    run(enter_model_price, OPERATOR, "gpt-*", RATES, NOW - 2 * DAY, NOW)
    assert [run(end_model_price, OPERATOR, "GPT-*", NOW - DAY, NOW) for _ in range(2)] == [True, False]
    with pytest.raises(NotFound):
        run(end_model_price, OPERATOR, "gpt-*", NOW, NOW)
    before = report("r-1", model="gpt-4o", requested_at=NOW - 2 * DAY)
    send(gateway, before, report("r-2", model="gpt-4o"))
    assert stored_costs() == {"r-1": (450_000, RATES.prompt), "r-2": (2_400_000, None)}


def test_only_a_planned_price_is_removed_by_its_id(alice: Account) -> None:
    run(enter_price, OPERATOR, Decimal("0.5"), NOW + DAY, NOW)
    first, planned = (price.id or 0 for price in run(price_book))
    with pytest.raises(Conflict, match="begun already"):
        run(remove_planned_price, OPERATOR, first, NOW)
    run(remove_planned_price, OPERATOR, planned, NOW)
    with pytest.raises(NotFound):
        run(remove_planned_price, OPERATOR, planned, NOW)
    assert [price.id for price in run(price_book)] == [first]


def test_audit_log_has_the_price_before_and_after(db: Database) -> None:
    for price in ("0.00003", "0.00004"):
        run(enter_price, OPERATOR, Decimal(price), NOW, NOW)
    run(remove_price, OPERATOR, NOW, NOW)
    entries = run(lambda session: list(session.scalars(select(AuditEntry).order_by(AuditEntry.id))))
    found = [(row.action, row.before, row.after) for row in entries[1:]]
    assert found == [
        ("price.set", '{"eur_per_token": "0.00003"}', '{"eur_per_token": "0.00004"}'),
        ("price.remove", f'{{"eur_per_token": "0.00004", "valid_from": "{NOW.isoformat()}"}}', None),
    ]


def test_billing_says_that_no_price_is_in_force(alice: Account) -> None:
    run(remove_price, OPERATOR, None, NOW)
    assert run(load_summary, alice.id, NOW).price is None


def test_only_a_price_that_is_there_can_be_removed(alice: Account) -> None:
    run(remove_price, OPERATOR, None, NOW)
    for begins in (None, NOW):
        with pytest.raises(NotFound):
            run(remove_price, OPERATOR, begins, NOW)


@pytest.mark.parametrize("price", ["0", "0.000000000001", "0.00002", "1"])
def test_price_is_entered_and_audited(db: Database, price: str) -> None:
    begins = NOW + timedelta(days=1)
    run(enter_price, OPERATOR, Decimal(price), begins, NOW)
    assert run(price_book)[-1] == Price(Decimal(price), begins)
    assert audit_log() == [(str(OPERATOR), "price.set", {"eur_per_token": price, "valid_from": begins.isoformat()})]


@pytest.mark.parametrize(
    "price", ["-0.000001", "1.000001", "1E+9", "0.0000000000001", "NaN", "sNaN", "Infinity", "-Infinity"]
)
def test_price_out_of_bounds_is_refused(db: Database, price: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(enter_price, OPERATOR, Decimal(price), NOW, NOW)
    assert caught.value.field == "eur_per_token"
    assert len(run(price_book)) == 1
