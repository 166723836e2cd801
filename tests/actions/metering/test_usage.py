"""What becomes of reported usage, and what it adds to which sums."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, BrokenBarrierError
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from portal.actions.metering import usage
from portal.actions.metering.usage import CONFLICT, EARLIEST, UNATTRIBUTED, Outcome, Result
from portal.actions.metering.verification import verify_account
from portal.actions.people.accounts import set_active
from portal.actions.people.keys import NewKey, create_key, revoke_key
from portal.actions.spending.prices import enter_price
from portal.actions.templates import assign_template, define_template
from portal.db.metering import totals
from portal.db.metering.events import count_events, insert_events
from portal.db.metering.totals import SHARED_TOTALS, TOTALS, counter
from portal.db.people.keys import keys
from portal.db.sql.schema import pin_budget_timezone
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, HeldEvent, Price, UsageEvent
from portal.errors import Unavailable
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import CounterKey, DailyKey
from portal.rules.metering.usage import UsageReport
from portal.rules.people.secrets import API_KEY, digest
from portal.rules.periods import EPOCH_DAY, Period
from portal.rules.spending.pricing import MAX_TOKENS
from portal.settings import settings
from portal.views.templates import find_template
from tests.cast import (
    NOW,
    OPERATOR,
    Gateway,
    acting,
    counters_of,
    create_member,
    daily_of,
    new_gateway,
    report,
    results,
    run,
    send,
)
from tests.queries import count_held

DAY, HOUR, MICROSECOND = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")


def total(account: Account) -> Figures:
    return run(counter, account.id, Period.TOTAL, EPOCH_DAY)


def stored(external_id: str = "r-1") -> UsageEvent:
    return run_in_reading(lambda session: session.scalars(select(UsageEvent).filter_by(external_id=external_id)).one())


def held() -> list[HeldEvent]:
    return run_in_reading(lambda session: list(session.scalars(select(HeldEvent).order_by(HeldEvent.id))))


def last_use(account: Account) -> datetime | None:
    (row,) = run(keys, account.id)
    return row.last_used_at


@pytest.fixture
def other_gateway(gateway: Gateway) -> Gateway:
    return new_gateway("moe-2")


# Stored events


def test_a_report_becomes_an_event(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    sent = report(
        "r-1",
        key_hash=digest(alices_key.secret),
        model="qwen3:32b",
        provider_model="ollama/qwen3:32b-q4",
        mode="moe_reasoning",
        prompt_tokens=743,
        completion_tokens=257,
        cached_tokens=700,
        reasoning_tokens=200,
        status="timeout",
        requested_at=NOW - HOUR,
        latency_ms=812,
        template="research",
        cost_factor=Decimal("1.2505"),
        session_id="s-9",
    )
    assert send(gateway, sent) == [Outcome(Result.ACCEPTED)]
    row = stored()
    kept = {column.name: getattr(row, column.name) for column in UsageEvent.__table__.columns if column.name != "id"}
    assert kept == {
        "gateway_id": gateway.id,
        "external_id": "r-1",
        "fingerprint": sent.fingerprint(),
        "account_id": alice.id,
        "api_key_id": alices_key.id,
        "team_id": None,
        "session_id": "s-9",
        "model": "qwen3:32b",
        "provider_model": "ollama/qwen3:32b-q4",
        "mode": "moe_reasoning",
        "template": "research",
        "status": "timeout",
        "prompt_tokens": 743,
        "completion_tokens": 257,
        "cached_tokens": 700,
        "reasoning_tokens": 200,
        "cost_factor": Decimal("1.2505"),
        "billable_tokens": 1251,  # 1250.5 half up
        "cost_nano_eur": 25_020_000,
        "price_id": run_in_reading(lambda session: session.scalar(select(Price.id))),
        "latency_ms": 812,
        "requested_at": NOW - HOUR,
        "received_at": NOW,
        "without_counts": False,
    }


def test_a_cost_factor_is_kept_in_one_way_however_it_is_written(alice: Account, gateway: Gateway) -> None:
    """Also where equal ones come together, on both databases."""
    written = ["1e3", "1.50", "1.500000", "1.5", "0e10", "1.000000000000", "0.000000000001"]
    send(gateway, *(report(f"r-{n}", cost_factor=Decimal(sent)) for n, sent in enumerate(written)), report("plain"))
    rows = run(lambda session: session.execute(text("SELECT external_id, cost_factor FROM usage_events")).all())
    kept = dict(map(tuple, rows))
    assert [kept[f"r-{n}"] for n in range(7)] == ["1000", "1.5", "1.5", "1.5", "0", "1", "0.000000000001"]
    assert kept["plain"] == "1"


def test_an_event_counts_in_every_sum(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("r-1", prompt_tokens=743, completion_tokens=257, cost_factor=Decimal("1.5")))
    figures = Figures(1500, 743, 257, 1, 30_000_000)
    assert counters_of(alice) == {
        CounterKey(alice.id, Period.DAILY, date(2026, 11, 22)): figures,
        CounterKey(alice.id, Period.MONTHLY, date(2026, 11, 1)): figures,
        CounterKey(alice.id, Period.TOTAL, EPOCH_DAY): figures,
    }
    assert daily_of(alice) == {
        DailyKey(alice.id, date(2026, 11, 22), "qwen3:32b", "native", gateway_id=gateway.id): figures
    }


def test_a_report_without_an_instant_was_made_now(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=None))
    assert stored().requested_at == NOW


def test_a_failed_request_counts_with_the_tokens_it_carries(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("r-1", status="error", prompt_tokens=0, completion_tokens=0), report("r-2", status="500"))
    assert total(alice) == Figures(120, 100, 20, 2, 2_400_000)


def test_an_empty_batch_is_nothing(gateway: Gateway) -> None:
    assert send(gateway) == []


def test_a_batch_of_many_accounts_and_kinds(alice: Account, bob: Account, bobs_key: NewKey, gateway: Gateway) -> None:
    batch = [
        report(f"r-{n}", key_hash=digest(bobs_key.secret)) if n % 2 else report(f"r-{n}", username="alice")
        for n in range(1000)
    ]
    assert results(send(gateway, *batch)) == [Result.ACCEPTED] * 1000
    assert total(alice) == total(bob) == Figures(60_000, 50_000, 10_000, 500, 1_200_000_000)


# Attribution


def test_usage_is_the_owners_of_the_key(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    send(gateway, report("r-1", key_hash=digest(alices_key.secret)), report("r-2", key_hash=digest(bobs_key.secret)))
    assert (stored("r-1").account_id, stored("r-2").account_id) == (alice.id, bob.id)


def test_usage_of_a_revoked_key_happened(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    assert results(send(gateway, report(key_hash=digest(alices_key.secret)))) == [Result.ACCEPTED]
    assert total(alice).requests == 1


def test_usage_of_an_expired_key_happened(alice: Account, gateway: Gateway) -> None:
    short = run(create_key, acting(alice), alice.id, "short", NOW + HOUR, NOW)
    assert results(send(gateway, report(key_hash=digest(short.secret)), now=NOW + DAY)) == [Result.ACCEPTED]


@pytest.mark.parametrize("named", [False, True], ids=["by key", "by name"])
def test_usage_of_a_suspended_account_happened(
    alice: Account, alices_key: NewKey, gateway: Gateway, named: bool
) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    who = {"username": "alice"} if named else {"key_hash": digest(alices_key.secret)}
    assert results(send(gateway, report(**who))) == [Result.ACCEPTED]
    assert total(alice).requests == 1


@pytest.mark.parametrize(
    "who",
    [
        pytest.param({"username": "nobody"}, id="an unknown name"),
        pytest.param({"username": "Alice"}, id="a name in another case"),
        pytest.param({"key_hash": "0" * 64}, id="an unknown key"),
    ],
)
def test_usage_of_nobody_is_kept_and_not_counted(alice: Account, gateway: Gateway, who: dict[str, str]) -> None:
    sent = report(requested_at=NOW - DAY, **who)
    assert send(gateway, sent) == [UNATTRIBUTED]
    assert (total(alice), run(count_events)) == (Figures(), 0)
    (row,) = held()
    assert (row.gateway_id, row.external_id, row.fingerprint, row.reason) == (
        gateway.id,
        "r-1",
        sent.fingerprint(),
        "unattributed",
    )
    assert (row.requested_at, row.received_at, row.resolved_at) == (NOW - DAY, NOW, None)
    assert json.loads(row.body)["prompt_tokens"] == 100


def test_an_unknown_key_is_the_first_known_persons(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    names = ("nobody@example.org", "alice@example.org")
    bob = create_member("bob")
    unknown = report("r-1", key_hash="0" * 64, fallback_names=names)
    known = report("r-2", key_hash=digest(alices_key.secret), fallback_names=("bob",))
    assert results(send(gateway, unknown, known)) == [Result.ACCEPTED] * 2
    assert (total(alice).requests, total(bob).requests) == (2, 0)
    assert results(send(gateway, replace(unknown, fallback_names=None))) == [Result.DUPLICATE]


def test_what_is_held_has_digests_in_place_of_keys(alice: Account, gateway: Gateway) -> None:
    secret = API_KEY + "0123456789abcdef" * 3
    send(gateway, report(key_hash=digest(secret)))
    (row,) = held()
    assert json.loads(row.body)["key_hash"] == digest(secret)
    assert secret[7:] not in row.body


def test_held_usage_is_released_when_the_same_id_is_accepted(alice: Account, gateway: Gateway) -> None:
    sent = report(username="dora", requested_at=NOW - DAY)
    send(gateway, sent)
    send(gateway, sent, now=NOW + HOUR)
    assert run(count_held) == {"unattributed": 1}
    dora = create_member("dora")
    assert send(gateway, sent, now=NOW + 2 * HOUR) == [Outcome(Result.ACCEPTED)]
    assert run(count_held) == {}
    (row,) = held()
    assert (row.received_at, row.resolved_at) == (NOW, NOW + 2 * HOUR)
    assert total(dora).requests == 1
    assert run(counter, dora.id, Period.DAILY, date(2026, 11, 21)).requests == 1


def test_released_is_only_what_was_accepted(alice: Account, gateway: Gateway, other_gateway: Gateway) -> None:
    send(gateway, report("r-1", username="dora"), report("r-2", username="dora"))
    send(other_gateway, report("r-1", username="dora"))
    create_member("dora")
    send(gateway, report("r-1", username="dora"))
    assert [(row.gateway_id, row.external_id) for row in held() if row.resolved_at is None] == [
        (gateway.id, "r-2"),
        (other_gateway.id, "r-1"),
    ]


# The same again


def test_the_same_report_again_is_a_duplicate(alice: Account, gateway: Gateway) -> None:
    send(gateway, report())
    once = total(alice)
    assert send(gateway, report()) == [Outcome(Result.DUPLICATE)]
    assert results(send(gateway, report(requested_at=NOW.astimezone(BERLIN)), now=NOW + DAY)) == [Result.DUPLICATE]
    assert (total(alice), run(count_events), held()) == (once, 1, [])


def test_a_report_without_an_instant_again_is_a_duplicate(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=None))
    assert results(send(gateway, report(requested_at=None), now=NOW + DAY)) == [Result.DUPLICATE]
    assert stored().requested_at == NOW


def test_the_same_id_with_other_content_is_a_conflict(alice: Account, bob: Account, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=100))
    once = total(alice)
    other = report(prompt_tokens=101)
    assert send(gateway, other) == [CONFLICT]
    assert send(gateway, other) == [CONFLICT]
    assert results(send(gateway, report(username="bob"))) == [Result.CONFLICT]
    assert results(send(gateway, report(username="nobody"))) == [Result.CONFLICT]
    assert (total(alice), total(bob), stored().prompt_tokens) == (once, Figures(), 100)
    assert run(count_held) == {"conflict": 3}
    assert held()[0].fingerprint == other.fingerprint()


def test_a_conflict_stays_for_the_administrator(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(), report(prompt_tokens=1))
    send(gateway, report(), report("r-2"))
    assert run(count_held) == {"conflict": 1}


def test_held_usage_that_contradicts_is_a_conflict(alice: Account, gateway: Gateway) -> None:
    nobodys = report(username="nobody")
    send(gateway, nobodys)
    send(gateway, report())
    assert run(count_held) == {"conflict": 1}
    assert results(send(gateway, nobodys)) == [Result.CONFLICT]
    assert run(count_held) == {"conflict": 1}


def test_log_and_trace_of_one_request_count_once_in_either_order(alice: Account, gateway: Gateway) -> None:
    def log(id: str) -> UsageReport:
        return replace(report(id, requested_at=NOW - HOUR, latency_ms=7), from_log=True)

    assert results(send(gateway, report("r-1"), log("r-2"))) == [Result.ACCEPTED] * 2
    assert results(send(gateway, log("r-1"), report("r-2"), log("r-2"))) == [Result.DUPLICATE] * 3
    assert results(send(gateway, replace(log("r-2"), prompt_tokens=1))) == [Result.CONFLICT]
    assert total(alice).requests == 2


def test_held_log_is_settled_when_its_trace_is_counted(alice: Account, gateway: Gateway) -> None:
    send(gateway, replace(report("r-1", username="nobody"), from_log=True))
    send(gateway, report("r-1"))
    assert run(count_held) == {}
    assert total(alice).requests == 1


def test_ids_are_the_gateways_own(alice: Account, gateway: Gateway, other_gateway: Gateway) -> None:
    assert results(send(gateway, report())) == [Result.ACCEPTED]
    assert results(send(other_gateway, report(prompt_tokens=7))) == [Result.ACCEPTED]
    assert total(alice).requests == 2


@pytest.mark.parametrize(
    ("batch", "expected", "requests"),
    [
        pytest.param([report(), report()], ["accepted", "duplicate"], 1, id="the same twice"),
        pytest.param([report(), report(mode="batch")], ["accepted", "conflict"], 1, id="the same id with another mode"),
        pytest.param(
            [report(), report(mode="batch"), report(), report(mode="batch")],
            ["accepted", "conflict", "duplicate", "conflict"],
            1,
            id="all mixed",
        ),
        pytest.param(
            [report(username="nobody"), report(username="nobody")], ["unattributed"] * 2, 0, id="nobody's twice"
        ),
        pytest.param(
            [report(username="nobody"), report()],
            ["conflict", "accepted"],
            1,
            id="nobody's, then Alice's with the same id",
        ),
        pytest.param(
            [report(requested_at=NOW + DAY), report()],
            ["conflict", "accepted"],
            1,
            id="from the future, then put right under the same id",
        ),
        pytest.param([report(requested_at=NOW + DAY)] * 2, ["rejected"] * 2, 0, id="from the future twice"),
        pytest.param(
            [report("r-2"), report("r-1"), report("r-3"), report("r-1")],
            ["accepted", "accepted", "accepted", "duplicate"],
            3,
            id="in any order of ids",
        ),
    ],
)
def test_event_repeated_in_a_batch_counts_once(
    alice: Account, gateway: Gateway, batch: list[UsageReport], expected: list[str], requests: int
) -> None:
    assert results(send(gateway, *batch)) == expected
    assert total(alice).requests == run(count_events) == requests


def test_one_bad_event_does_not_stop_the_others(alice: Account, gateway: Gateway) -> None:
    outcomes = send(
        gateway,
        report("r-1"),
        report("r-2", requested_at=NOW + DAY),
        report("r-3", username="nobody"),
        report("r-4"),
    )
    assert results(outcomes) == ["accepted", "rejected", "unattributed", "accepted"]
    assert [outcome.error is None for outcome in outcomes] == [True, False, False, True]
    assert total(alice).requests == 2


# When it was


@pytest.mark.parametrize(
    ("requested_at", "result"),
    [
        pytest.param(NOW + timedelta(minutes=5), Result.ACCEPTED, id="a clock five minutes ahead"),
        pytest.param(NOW + timedelta(minutes=5) + MICROSECOND, Result.REJECTED, id="further ahead"),
        pytest.param(datetime(9999, 12, 31, tzinfo=UTC), Result.REJECTED, id="the end of time"),
        pytest.param(EARLIEST, Result.ACCEPTED, id="the year 2000"),
        pytest.param(EARLIEST - MICROSECOND, Result.REJECTED, id="before it"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), Result.REJECTED, id="the beginning of time"),
    ],
)
def test_instants_must_be_believable(alice: Account, gateway: Gateway, requested_at: datetime, result: Result) -> None:
    (outcome,) = send(gateway, report(requested_at=requested_at))
    assert outcome.result is result
    assert (outcome.error is None) == (result is Result.ACCEPTED)
    assert total(alice).requests == (result is Result.ACCEPTED)
    assert held() == []


def test_a_rejected_id_may_come_again(alice: Account, gateway: Gateway) -> None:
    ahead = report(requested_at=NOW + HOUR)
    assert results(send(gateway, ahead)) == [Result.REJECTED]
    assert results(send(gateway, ahead, now=NOW + HOUR)) == [Result.ACCEPTED]


def test_a_late_event_counts_in_its_own_day_and_month(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("r-1"))
    send(gateway, report("r-2", requested_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC)))
    sums = {(key.period, key.start): figures.requests for key, figures in counters_of(alice).items()}
    assert sums == {
        (Period.DAILY, date(2026, 11, 22)): 1,
        (Period.DAILY, date(2026, 10, 31)): 1,
        (Period.MONTHLY, date(2026, 11, 1)): 1,
        (Period.MONTHLY, date(2026, 10, 1)): 1,
        (Period.TOTAL, EPOCH_DAY): 2,
    }


def test_days_are_those_of_the_budget_zone(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=datetime(2026, 10, 31, 23, 30, tzinfo=UTC)), budget_tz=BERLIN)
    assert set(counters_of(alice)) == {
        CounterKey(alice.id, Period.DAILY, date(2026, 11, 1)),
        CounterKey(alice.id, Period.MONTHLY, date(2026, 11, 1)),
        CounterKey(alice.id, Period.TOTAL, EPOCH_DAY),
    }


def test_the_last_use_of_a_key_moves_forward_only(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    mine = {"key_hash": digest(alices_key.secret)}
    send(gateway, report("r-1", requested_at=NOW - HOUR, **mine), report("r-2", requested_at=NOW - DAY, **mine))
    assert last_use(alice) == NOW - HOUR
    send(gateway, report("r-3", requested_at=NOW - 2 * HOUR, **mine))
    assert last_use(alice) == NOW - HOUR
    send(gateway, report("r-4", requested_at=NOW, **mine))
    assert last_use(alice) == NOW


def test_a_key_was_never_used_in_the_future(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    send(gateway, report(requested_at=NOW + timedelta(minutes=4), key_hash=digest(alices_key.secret)))
    assert last_use(alice) == NOW


def test_repetitions_and_rejections_are_no_use_of_a_key(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    mine = {"key_hash": digest(alices_key.secret)}
    send(gateway, report("r-1", requested_at=NOW - DAY, **mine))
    send(gateway, report("r-1", requested_at=NOW, **mine), report("r-2", requested_at=NOW + DAY, **mine))
    assert last_use(alice) == NOW - DAY


# What it costs


@pytest.mark.parametrize(
    ("reported", "template", "factor"),
    [
        pytest.param("0.25", "expensive", "0.25", id="the reported one first"),
        pytest.param("0", "expensive", "0", id="also when it is 0"),
        pytest.param(None, "expensive", "10", id="then the named template's"),
        pytest.param(None, "free", "0", id="also when that is 0"),
        pytest.param(None, "unknown", "1.5", id="then that of the account's template"),
        pytest.param(None, None, "1.5", id="which also counts where none is named"),
    ],
)
def test_cost_factor(alice: Account, gateway: Gateway, reported: str | None, template: str | None, factor: str) -> None:
    for name, each in (("expensive", "10"), ("free", "0"), ("own", "1.5")):
        run(define_template, OPERATOR, name, Decimal(each), [], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "own").id, NOW)
    send(gateway, report(cost_factor=None if reported is None else Decimal(reported), template=template))
    assert stored().cost_factor == Decimal(factor)
    assert stored().billable_tokens == 120 * Decimal(factor)


def test_without_any_template_the_factor_is_one(alice: Account, bob: Account, gateway: Gateway) -> None:
    run(define_template, OPERATOR, "bobs", Decimal(7), [], NOW)
    run(assign_template, OPERATOR, bob.id, run(find_template, "bobs").id, NOW)
    send(gateway, report("r-1", username="alice"), report("r-2", username="bob"))
    assert [stored(id).cost_factor for id in ("r-1", "r-2")] == [1, 7]


def test_the_price_of_the_requests_own_instant_counts(alice: Account, gateway: Gateway) -> None:
    run(enter_price, OPERATOR, Decimal("0.00003"), NOW - DAY, NOW)
    send(
        gateway,
        report("before", requested_at=NOW - DAY - MICROSECOND),
        report("after", requested_at=NOW - DAY),
    )
    assert (stored("before").cost_nano_eur, stored("after").cost_nano_eur) == (2_400_000, 3_600_000)


def test_a_later_price_never_changes_the_past(alice: Account, gateway: Gateway) -> None:
    send(gateway, report())
    run(enter_price, OPERATOR, Decimal("0.5"), NOW - DAY, NOW)
    assert stored().cost_nano_eur == 2_400_000
    assert total(alice).cost_nano_eur == 2_400_000
    assert run(lambda session: list(verify_account(session, alice.id, ZoneInfo("UTC")))) == []


def test_a_request_dearer_than_possible_is_rejected(alice: Account, gateway: Gateway) -> None:
    run(enter_price, OPERATOR, Decimal(1), NOW - DAY, NOW)
    most = {"completion_tokens": 0, "cost_factor": Decimal(1)}
    outcomes = send(
        gateway,
        report("dear", prompt_tokens=100_000, **most),
        report("dearer", prompt_tokens=100_001, **most),
        report("dearest", prompt_tokens=MAX_TOKENS, completion_tokens=MAX_TOKENS, cost_factor=Decimal(1000)),
    )
    assert results(outcomes) == ["accepted", "rejected", "rejected"]
    assert outcomes[1].error == "One request cannot cost more than 100,000 EUR."
    assert total(alice) == Figures(100_000, 100_000, 0, 1, 10**14)


# All or nothing, and once


SUMMED = [total.table for total in (*TOTALS, *SHARED_TOTALS)]
WRITES = ("insert_events", *SUMMED, "note_last_use", "hold_events", "release_events")


@pytest.mark.parametrize("write", WRITES, ids=lambda write: getattr(write, "__tablename__", write))
def test_a_failure_in_the_middle_leaves_nothing(
    alice: Account, alices_key: NewKey, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    caller, name = (usage, write) if isinstance(write, str) else (totals, "add_parts")
    real: Callable[..., Any] = getattr(caller, name)

    def write_and_fail(*args: Any) -> Any:
        done = real(*args)
        if isinstance(write, str) or args[1].table is write:
            raise ConnectionError("the cable was pulled")
        return done

    mine = {"key_hash": digest(alices_key.secret)}
    send(gateway, report("r-0", username="dora"))
    create_member("dora")
    batch = [report("r-0", username="dora"), report("r-1", **mine), report("r-2", username="nobody")]
    with monkeypatch.context() as broken:
        broken.setattr(caller, name, write_and_fail)
        with pytest.raises(ConnectionError):
            send(gateway, *batch)
    assert run(count_events) == 0
    assert counters_of(alice) == {}
    assert daily_of(alice) == {}
    assert last_use(alice) is None
    assert [(row.external_id, row.resolved_at) for row in held()] == [("r-0", None)]

    assert results(send(gateway, *batch)) == ["accepted", "accepted", "unattributed"]
    assert total(alice).requests == 1


def test_a_batch_sent_by_two_at_once_counts_once(
    alice: Account, alices_key: NewKey, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look for the ids before either stores them; where there is only one writer, they come one by one anyway."""
    barrier = Barrier(2)

    def wait_and_insert(*args: Any) -> set[str]:
        with suppress(BrokenBarrierError):
            barrier.wait(0.3)
        return insert_events(*args)

    monkeypatch.setattr(usage, "insert_events", wait_and_insert)
    mine = {"key_hash": digest(alices_key.secret)}
    batch = [report(f"r-{n}", requested_at=NOW - n * HOUR, **mine) for n in range(50)]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda batch: results(send(gateway, *batch)), [batch, batch[::-1]])
    assert set(zip(first, second[::-1], strict=True)) <= {
        ("accepted", "duplicate"),
        ("duplicate", "accepted"),
    }
    assert total(alice).requests == run(count_events) == 50
    assert run(lambda session: list(verify_account(session, alice.id, ZoneInfo("UTC")))) == []


def test_of_two_contents_for_one_id_at_once_one_is_a_conflict(alice: Account, gateway: Gateway) -> None:
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda tokens: results(send(gateway, report(prompt_tokens=tokens)))[0], [1, 2]))
    assert sorted(outcomes) == ["accepted", "conflict"]
    assert total(alice).requests == 1
    assert run(count_held) == {"conflict": 1}


def test_many_gateways_and_accounts_at_once_lose_nothing(gateway: Gateway, other_gateway: Gateway) -> None:
    people = [create_member(f"member-{n}") for n in range(4)]

    def report_all(turn: int) -> None:
        order = people[turn % 4 :] + people[: turn % 4]
        batch = [report(f"{turn}-{who.username}-{n}", username=who.username) for who in order for n in range(5)]
        assert results(send((gateway, other_gateway)[turn % 2], *batch)) == [Result.ACCEPTED] * 20

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(report_all, range(12)))
    for who in people:
        assert total(who) == Figures(7200, 6000, 1200, 60, 144_000_000)
        assert run(lambda session, id: list(verify_account(session, id, ZoneInfo("UTC"))), who.id) == []


def test_reports_are_not_changed(alice: Account, gateway: Gateway) -> None:
    sent = report(requested_at=None)
    before = replace(sent)
    send(gateway, sent)
    assert sent == before


def test_sums_never_outgrow_what_can_be_counted(
    alice: Account, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.actions.metering.usage.MAX_SUM", 200)
    (first,) = send(gateway, report("r-1", prompt_tokens=80, completion_tokens=0, cost_factor=Decimal(0)))
    batch = [report(f"r-{n}", prompt_tokens=80, completion_tokens=0, cost_factor=Decimal(0)) for n in (2, 3)]
    assert results([first, *send(gateway, *batch)]) == [Result.ACCEPTED, Result.ACCEPTED, Result.REJECTED]
    assert results(send(gateway, *batch)) == [Result.DUPLICATE, Result.REJECTED]


def test_days_of_two_zones_are_not_mixed(db: Database, alice: Account, gateway: Gateway) -> None:
    pin_budget_timezone(db, "Europe/Berlin")
    with pytest.raises(Unavailable):
        send(gateway, report(), budget_tz=settings().budget_zone)
    assert settings().budget_zone == ZoneInfo("Europe/Berlin"), "a process without a set zone follows the database"
    assert results(send(gateway, report(), budget_tz=ZoneInfo("Europe/Berlin"))) == ["accepted"]
