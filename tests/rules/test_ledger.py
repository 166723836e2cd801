"""To which counters and roll-ups an event is added."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from portal.rules.figures import Figures
from portal.rules.ledger import CounterKey, DailyKey, Sums
from portal.rules.periods import EPOCH_DAY, Period

ONE = Figures(12, 7, 3, 10, 1, 240_000)


@pytest.mark.parametrize(
    ("zone", "day", "month"),
    [
        pytest.param("UTC", date(2026, 11, 30), date(2026, 11, 1), id="in UTC"),
        pytest.param("Europe/Berlin", date(2026, 12, 1), date(2026, 12, 1), id="in Berlin it is next month"),
        pytest.param("America/New_York", date(2026, 11, 30), date(2026, 11, 1), id="in New York it is afternoon"),
    ],
)
def test_an_event_counts_in_the_periods_of_its_own_instant(zone: str, day: date, month: date) -> None:
    sums = Sums()
    sums.add(7, datetime(2026, 11, 30, 23, 30, tzinfo=UTC), "qwen", "native", ONE, ZoneInfo(zone))
    assert sums.counters == {
        CounterKey(7, Period.DAILY, day): ONE,
        CounterKey(7, Period.MONTHLY, month): ONE,
        CounterKey(7, Period.TOTAL, EPOCH_DAY): ONE,
    }
    assert sums.daily == {DailyKey(7, day, "qwen", "native"): ONE}


def test_events_of_one_day_add_up_and_others_stand_apart() -> None:
    sums, utc = Sums(), ZoneInfo("UTC")
    morning, evening = datetime(2026, 11, 22, 0, tzinfo=UTC), datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC)
    next_day = datetime(2026, 11, 23, tzinfo=UTC)
    sums.add(1, morning, "qwen", "native", ONE, utc)
    sums.add(1, evening, "qwen", "native", ONE, utc)
    sums.add(1, evening, "qwen", "moe_reasoning", ONE, utc)
    sums.add(1, next_day, "qwen", "native", ONE, utc)
    sums.add(2, morning, "qwen", "native", ONE, utc)
    assert sums.counters[CounterKey(1, Period.DAILY, date(2026, 11, 22))] == ONE + ONE + ONE
    assert sums.counters[CounterKey(1, Period.DAILY, date(2026, 11, 23))] == ONE
    assert sums.counters[CounterKey(1, Period.TOTAL, EPOCH_DAY)].requests == 4
    assert sums.counters[CounterKey(2, Period.TOTAL, EPOCH_DAY)] == ONE
    assert sums.daily[DailyKey(1, date(2026, 11, 22), "qwen", "native")] == ONE + ONE
    assert sums.daily[DailyKey(1, date(2026, 11, 22), "qwen", "moe_reasoning")] == ONE
