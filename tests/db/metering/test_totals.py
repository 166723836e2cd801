"""Totals: one list of summed tables, additions by the database, zero days, order, and nobody else's sums."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from sqlalchemy import MetaData, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from portal.actions.metering.verification import rebuild_account, verify_account
from portal.db.metering import totals
from portal.db.metering.totals import (
    EVENT_SUMS,
    TOTALS,
    ModelUsage,
    Total,
    add_parts,
    clear,
    counter,
    daily_usage,
    figures_of,
    first_day,
    modes,
    stream,
    tokens_by_day,
    tokens_by_hour,
    usage_by_model,
)
from portal.db.sql.session import Database, run_in_reading
from portal.db.sql.types import BigId
from portal.db.tables import Account, SummedColumns, UsageByModel, UsageCounter, UsageDaily
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import CounterKey, DailyKey, ModelKey, Sums, regroup
from portal.rules.periods import EPOCH_DAY, DayRange, Period, first_of_month, zone
from tests.cast import NOW, Gateway, counters_of, daily_of, report, run, send, total_of, totals_of

TODAY = date(2026, 11, 22)
DAY = timedelta(1)


def figures(tokens: int) -> Figures:
    return Figures(tokens, tokens + 1, tokens + 2, 1, tokens * 20_000)


def put(table: type[SummedColumns], parts: Mapping[Any, Figures]) -> None:
    run(add_parts, total_of(table), parts)


@pytest.fixture
def counted(alice: Account, bob: Account) -> None:
    """Alice's usage of some days, and Bob's of the same ones."""
    daily = {
        DailyKey(alice.id, TODAY, "qwen", "native"): figures(10),
        DailyKey(alice.id, TODAY, "qwen", "moe_reasoning"): figures(30),
        DailyKey(alice.id, TODAY - 29 * DAY, "gemma", "native"): figures(5),
        DailyKey(alice.id, TODAY - 29 * DAY, "qwen", "native"): figures(6),
        DailyKey(alice.id, TODAY - 30 * DAY, "llama", "batch"): figures(1000),
        DailyKey(bob.id, TODAY, "bobs model", "bobs mode"): figures(10**6),
    }
    counters = {
        CounterKey(alice.id, Period.DAILY, TODAY): figures(40),
        CounterKey(alice.id, Period.DAILY, TODAY - 13 * DAY): figures(13),
        CounterKey(alice.id, Period.DAILY, TODAY - 14 * DAY): figures(14),
        CounterKey(alice.id, Period.MONTHLY, date(2026, 11, 1)): figures(67),
        CounterKey(alice.id, Period.TOTAL, EPOCH_DAY): figures(1051),
        CounterKey(bob.id, Period.DAILY, TODAY - 100 * DAY): figures(10**6),
        CounterKey(bob.id, Period.TOTAL, EPOCH_DAY): figures(10**6),
    }
    put(UsageCounter, counters)
    put(UsageByModel, regroup(daily, lambda key: [ModelKey(*key[:4])]))
    put(UsageDaily, daily)


def test_a_counter_is_one_period_of_one_account(counted: None, alice: Account, bob: Account) -> None:
    assert run(counter, alice.id, Period.DAILY, TODAY) == figures(40)
    assert run(counter, alice.id, Period.MONTHLY, date(2026, 11, 1)) == figures(67)
    assert run(counter, alice.id, Period.TOTAL, EPOCH_DAY) == figures(1051)
    assert run(counter, bob.id, Period.TOTAL, EPOCH_DAY) == figures(10**6)


def test_a_new_period_needs_no_reset(counted: None, alice: Account) -> None:
    assert run(counter, alice.id, Period.DAILY, TODAY + DAY) == Figures()
    assert run(counter, alice.id, Period.MONTHLY, date(2026, 12, 1)) == Figures()


def test_nobody_sees_anothers_sums(counted: None, charlie: Account) -> None:
    days = DayRange(TODAY - 100 * DAY, TODAY)
    assert run(counter, charlie.id, Period.TOTAL, EPOCH_DAY) == Figures()
    assert set(run(daily_usage, charlie.id, days).values()) == {Figures()}
    assert run(usage_by_model, charlie.id, days) == []
    assert run(modes, charlie.id) == []
    assert run(first_day, charlie.id) is None
    assert counters_of(charlie) == {}
    assert daily_of(charlie) == {}


def test_days_include_both_ends_and_the_empty_ones(counted: None, alice: Account) -> None:
    days = DayRange(TODAY - 13 * DAY, TODAY)
    used = run(daily_usage, alice.id, days)
    assert list(used) == list(days)
    assert {day: sums for day, sums in used.items() if sums.requests} == {
        TODAY - 13 * DAY: figures(13),
        TODAY: figures(40),
    }


def test_models_are_summed_over_the_days_and_largest_come_first(counted: None, alice: Account) -> None:
    assert run(usage_by_model, alice.id, DayRange(TODAY - 29 * DAY, TODAY)) == [
        ModelUsage("qwen", "moe_reasoning", figures(30)),
        ModelUsage("qwen", "native", figures(10) + figures(6)),
        ModelUsage("gemma", "native", figures(5)),
    ]


def test_models_of_one_size_come_by_name(alice: Account) -> None:
    names = [("b", "x"), ("a", "y"), ("a", "x"), ("c", "x")]
    put(UsageByModel, {ModelKey(alice.id, TODAY, model, mode): figures(7) for model, mode in names})
    found = run(usage_by_model, alice.id, DayRange(TODAY, TODAY))
    assert [(each.model, each.mode) for each in found] == sorted(names)


def test_modes_and_first_day(counted: None, alice: Account, bob: Account) -> None:
    assert run(modes, alice.id) == ["batch", "moe_reasoning", "native"]
    assert run(modes, bob.id) == ["bobs mode"]
    assert run(first_day, alice.id) == TODAY - 14 * DAY


def test_additions_add(alice: Account) -> None:
    which, roll_up = CounterKey(alice.id, Period.DAILY, TODAY), DailyKey(alice.id, TODAY, "qwen", "native")
    for tokens in (1, 20, 300):
        put(UsageCounter, {which: figures(tokens)})
        put(UsageDaily, {roll_up: figures(tokens)})
    summed = figures(1) + figures(20) + figures(300)
    assert counters_of(alice) == {which: summed}
    assert daily_of(alice) == {roll_up: summed}


def test_adding_nothing_is_nothing(alice: Account) -> None:
    put(UsageCounter, {})
    put(UsageDaily, {})
    assert counters_of(alice) == {}


def test_additions_of_many_at_once_are_not_lost(alice: Account, bob: Account) -> None:
    """In another order each time, so that writers who lock rows as they come would wait for each other in a ring."""
    keys = [CounterKey(who.id, Period.DAILY, TODAY - n * DAY) for who in (alice, bob) for n in range(5)]

    def add(turn: int) -> None:
        put(UsageCounter, dict.fromkeys(keys[turn:] + keys[:turn], figures(1)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(10)))
    for who in (alice, bob):
        assert {each.requests for each in counters_of(who).values()} == {10}


def test_many_keys_at_once(alice: Account) -> None:
    keys = {DailyKey(alice.id, TODAY, f"model {n}", "native"): figures(n) for n in range(1200)}
    put(UsageDaily, keys)
    put(UsageDaily, keys)
    assert daily_of(alice) == {key: each + each for key, each in keys.items()}


def test_clearing_clears_one_account(counted: None, alice: Account, bob: Account) -> None:
    run(clear, alice.id)
    assert [totals_of(alice, total.table) for total in TOTALS] == [{}] * len(TOTALS)
    assert len(counters_of(bob)) == 2
    assert len(daily_of(bob)) == len(totals_of(bob, UsageByModel)) == 1


def test_names_that_differ_in_case_or_accents_are_different(alice: Account) -> None:
    names = ["Qwen", "qwen", "qwén", "qwe\u0301n", "qwen "]
    put(UsageByModel, {ModelKey(alice.id, TODAY, name, "native"): figures(1) for name in names})
    assert {each.model for each in run(usage_by_model, alice.id, DayRange(TODAY, TODAY))} == set(names)


def test_sums_have_64_bits(alice: Account) -> None:
    which = CounterKey(alice.id, Period.TOTAL, EPOCH_DAY)
    large = Figures(2**61, 2**61, 0, 1, 2**61)
    for _ in range(3):
        put(UsageCounter, {which: large})
    assert run(counter, alice.id, Period.TOTAL, EPOCH_DAY) == large + large + large


def test_sums_over_events_equal_the_totals(alice: Account, gateway: Gateway) -> None:
    send(gateway, *(report(f"r-{n}", requested_at=NOW - n * DAY, prompt_tokens=10**n) for n in range(3)))
    send(gateway, report("silent", prompt_tokens=0, completion_tokens=0, without_counts=True))
    events = run_in_reading(lambda session: figures_of(session.execute(select(*EVENT_SUMS)).one()))
    assert events == run(counter, alice.id, Period.TOTAL, EPOCH_DAY)
    assert (events.requests, events.without_counts) == (4, 1)


# A summed table that is new


class FailuresKey(NamedTuple):
    """The failed requests of an account in one month with one model."""

    account_id: int
    month: date
    model: str

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"failures of {self.month}, {self.model}"


class _Elsewhere(DeclarativeBase):
    metadata = MetaData()
    type_annotation_map = {int: BigId}  # noqa: RUF012  # read by SQLAlchemy only


class Failures(SummedColumns, _Elsewhere):
    """A table for this test."""

    __tablename__ = "failures_by_month"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)


def failures_of(sums: Sums) -> dict[FailuresKey, Figures]:
    def keys(key: DailyKey) -> list[FailuresKey]:
        return [FailuresKey(key.account_id, first_of_month(key.day), key.model)] if key.failed else []

    return regroup(sums.daily, keys)


@pytest.fixture
def failures(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Total]:
    """A summed table that is described and created, and nothing else."""
    _Elsewhere.metadata.create_all(db.engine)
    new = Total(Failures, FailuresKey, failures_of)
    monkeypatch.setattr(totals, "TOTALS", (*TOTALS, new))
    yield new
    _Elsewhere.metadata.drop_all(db.engine)


def test_a_new_total_needs_a_descriptor_only(failures: Total, alice: Account, gateway: Gateway) -> None:
    def stored() -> dict[Any, Figures]:
        return run_in_reading(lambda session: dict(stream(session, failures, alice.id)))

    def differences() -> list[str]:
        found = run_in_reading(lambda session: list(verify_account(session, alice.id, zone("UTC"))))
        return [each.key.name for each in found]

    for n in range(4):
        send(gateway, report(f"r-{n}", status=("ok", "error")[n % 2], requested_at=NOW - n * 20 * DAY))
    one = Figures(120, 100, 20, 1, 2_400_000)
    expected = {FailuresKey(alice.id, date(2026, month, 1), "qwen3:32b"): one for month in (9, 11)}
    assert stored() == expected
    assert differences() == []

    run(clear, alice.id)
    assert stored() == {}
    assert {key.name for key in expected} < set(differences())

    run(rebuild_account, alice.id, zone("UTC"))
    assert stored() == expected
    run(add_parts, failures, dict.fromkeys(expected, one))
    assert differences() == [key.name for key in expected]


# What forecasts are made from


SATURDAY = DayRange(date(2026, 11, 21), date(2026, 11, 21))


def at(hour: int, minute: int = 0, second: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def use(gateway: Gateway, *instants: datetime, username: str = "alice") -> None:
    """Use one token, then 10, then 100 and so on."""
    send(
        gateway,
        *(
            report(f"{username}-{n}", username=username, prompt_tokens=10**n, completion_tokens=0, requested_at=instant)
            for n, instant in enumerate(instants)
        ),
    )


def test_days_are_whole_and_somebodys_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    use(gateway, at(23, 59, 59, day=19), at(0, day=20), at(0), at(23, 59, 59), at(0, day=22))
    use(gateway, at(12), username="bob")
    found = run(tokens_by_day, alice.id, DayRange(date(2026, 11, 20), date(2026, 11, 21)))
    assert found == {date(2026, 11, 20): 10, date(2026, 11, 21): 1100}
    assert run(tokens_by_day, bob.id, DayRange(date(2026, 11, 20), date(2026, 11, 22))) == {
        date(2026, 11, 20): 0,
        date(2026, 11, 21): 1,
        date(2026, 11, 22): 0,
    }


def test_tokens_of_days_are_billable(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=100, completion_tokens=0, cost_factor=Decimal(3), requested_at=at(12)))
    assert run(tokens_by_day, alice.id, SATURDAY) == {date(2026, 11, 21): 300}
    assert run(tokens_by_hour, alice.id, at(0), at(23)) == [(at(12), 300)]


def test_hours_are_summed_over_models_and_somebodys_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    use(gateway, at(8, 59), at(9), at(9, 59, 59), at(12), at(15))
    send(gateway, report("other", model="other", prompt_tokens=7, completion_tokens=0, requested_at=at(9, 30)))
    use(gateway, at(9), username="bob")
    assert sorted(run(tokens_by_hour, alice.id, at(9), at(15))) == [(at(9), 117), (at(12), 1000)]
    assert list(run(tokens_by_hour, alice.id, NOW, NOW + timedelta(1))) == []
