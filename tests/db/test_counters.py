"""Counters and roll-ups: additions by the database, zero days, order, and nobody else's sums."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from portal.db.counters import (
    account_counters,
    add_to_counters,
    clear_counters,
    counter,
    daily_usage,
    first_day,
)
from portal.db.rollups import ModelUsage, add_to_daily, add_to_models, clear_roll_ups, modes, usage_by_model
from portal.db.tables import Account
from portal.rules.figures import Figures
from portal.rules.periods import EPOCH_DAY, DayRange, Period
from portal.rules.rollups import CounterKey, DailyKey, ModelKey, models_of
from tests.cast import daily_of, run

TODAY = date(2026, 11, 22)
DAY = timedelta(1)


def figures(tokens: int) -> Figures:
    return Figures(tokens, tokens + 1, tokens + 2, 2 * tokens + 3, 1, tokens * 20_000)


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
    run(add_to_counters, counters)
    run(add_to_models, models_of(daily))
    run(add_to_daily, daily)


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
    assert run(account_counters, charlie.id) == {}
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
    run(add_to_models, {ModelKey(alice.id, TODAY, model, mode): figures(7) for model, mode in names})
    found = run(usage_by_model, alice.id, DayRange(TODAY, TODAY))
    assert [(each.model, each.mode) for each in found] == sorted(names)


def test_modes_and_first_day(counted: None, alice: Account, bob: Account) -> None:
    assert run(modes, alice.id) == ["batch", "moe_reasoning", "native"]
    assert run(modes, bob.id) == ["bobs mode"]
    assert run(first_day, alice.id) == TODAY - 14 * DAY


def test_additions_add(alice: Account) -> None:
    which, roll_up = CounterKey(alice.id, Period.DAILY, TODAY), DailyKey(alice.id, TODAY, "qwen", "native")
    for tokens in (1, 20, 300):
        run(add_to_counters, {which: figures(tokens)})
        run(add_to_daily, {roll_up: figures(tokens)})
    summed = figures(1) + figures(20) + figures(300)
    assert run(account_counters, alice.id) == {which: summed}
    assert daily_of(alice) == {roll_up: summed}


def test_adding_nothing_is_nothing(alice: Account) -> None:
    run(add_to_counters, {})
    run(add_to_daily, {})
    assert run(account_counters, alice.id) == {}


def test_additions_of_many_at_once_are_not_lost(alice: Account, bob: Account) -> None:
    """In another order each time, so that writers who lock rows as they come would wait for each other in a ring."""
    keys = [CounterKey(who.id, Period.DAILY, TODAY - n * DAY) for who in (alice, bob) for n in range(5)]

    def add(turn: int) -> None:
        run(add_to_counters, dict.fromkeys(keys[turn:] + keys[:turn], figures(1)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(10)))
    for who in (alice, bob):
        assert {each.requests for each in run(account_counters, who.id).values()} == {10}


def test_many_keys_at_once(alice: Account) -> None:
    keys = {DailyKey(alice.id, TODAY, f"model {n}", "native"): figures(n) for n in range(1200)}
    run(add_to_daily, keys)
    run(add_to_daily, keys)
    assert daily_of(alice) == {key: each + each for key, each in keys.items()}


def test_clearing_clears_one_account(counted: None, alice: Account, bob: Account) -> None:
    run(clear_counters, alice.id)
    run(clear_roll_ups, alice.id)
    assert run(account_counters, alice.id) == {}
    assert daily_of(alice) == {}
    assert run(usage_by_model, alice.id, DayRange(TODAY, TODAY)) == []
    assert len(run(account_counters, bob.id)) == 2
    assert len(daily_of(bob)) == len(run(usage_by_model, bob.id, DayRange(TODAY, TODAY))) == 1


def test_names_that_differ_in_case_or_accents_are_different(alice: Account) -> None:
    names = ["Qwen", "qwen", "qwén", "qwe\u0301n", "qwen "]
    run(add_to_models, {ModelKey(alice.id, TODAY, name, "native"): figures(1) for name in names})
    assert {each.model for each in run(usage_by_model, alice.id, DayRange(TODAY, TODAY))} == set(names)


def test_sums_have_64_bits(alice: Account) -> None:
    which = CounterKey(alice.id, Period.TOTAL, EPOCH_DAY)
    large = Figures(2**61, 2**61, 0, 2**61, 1, 2**61)
    for _ in range(3):
        run(add_to_counters, {which: large})
    assert run(counter, alice.id, Period.TOTAL, EPOCH_DAY) == large + large + large
