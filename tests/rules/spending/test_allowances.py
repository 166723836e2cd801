"""Extra tokens for a time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.rules.messages import InvalidValue
from portal.rules.periods import Period
from portal.rules.spending.allowances import (
    LONGEST,
    MAX_REASON,
    AllowanceState,
    allowance_state,
    check_end,
    check_tokens,
    clean_answer,
    clean_reason,
    last_day,
    usual_end,
)
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from tests.cast import NOW

MOMENT = timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("starts", "ends", "ended", "expected"),
    [
        pytest.param(NOW, NOW + MOMENT, None, AllowanceState.IN_FORCE, id="the first instant"),
        pytest.param(NOW - MOMENT, NOW, None, AllowanceState.ENDED, id="its end does not count"),
        pytest.param(NOW + MOMENT, NOW + 2 * MOMENT, None, AllowanceState.UPCOMING, id="not yet"),
        pytest.param(NOW - MOMENT, NOW + MOMENT, NOW, AllowanceState.ENDED, id="ended early"),
    ],
)
def test_state(starts: datetime, ends: datetime, ended: datetime | None, expected: AllowanceState) -> None:
    assert allowance_state(starts, ends, ended, NOW) is expected


EXTRA = {Period.DAILY: 5, Period.TOTAL: 7}


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        pytest.param(Limits(10, 20, 30), Limits(15, 20, 37), id="each period has its own"),
        pytest.param(Limits(None, 20, None), Limits(None, 20, None), id="no limit stays no limit"),
        pytest.param(Limits(0, 0, 0), Limits(5, 0, 7), id="a limit of 0 is a limit"),
        pytest.param(
            Limits(10, 20, 30, BudgetType.ONE_TIME), Limits(10, 20, 37, BudgetType.ONE_TIME), id="one-time: the total"
        ),
    ],
)
def test_extra_tokens_are_added_to_limits_in_force(limits: Limits, raised: Limits) -> None:
    assert limits.raised(EXTRA) == raised


def test_usual_end_is_that_of_the_period() -> None:
    assert usual_end(Period.DAILY, NOW, BERLIN) == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert usual_end(Period.MONTHLY, NOW, BERLIN) == datetime(2026, 11, 30, 23, tzinfo=UTC)
    end = usual_end(Period.TOTAL, NOW, BERLIN)
    assert end == datetime(2026, 12, 22, 23, tzinfo=UTC)
    assert last_day(end, BERLIN).isoformat() == "2026-12-22"


@pytest.mark.parametrize("tokens", [0, -1, MAX_LIMIT + 1, 2**70])
def test_tokens_out_of_bounds_are_refused(tokens: int) -> None:
    with pytest.raises(InvalidValue, match="from 1 to"):
        check_tokens(tokens)
    assert [check_tokens(1), check_tokens(MAX_LIMIT)] == [1, MAX_LIMIT]


@pytest.mark.parametrize("end", [NOW, NOW - MOMENT, NOW + LONGEST + MOMENT])
def test_end_in_the_past_or_too_far_away_is_refused(end: datetime) -> None:
    with pytest.raises(InvalidValue):
        check_end(end, NOW)
    assert check_end(NOW + LONGEST, NOW) == NOW + LONGEST


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_REASON + 1), "a\x00b", "a\x1bb", "\ud800"])
def test_malformed_reason_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        clean_reason(text)


def test_reason_keeps_its_lines_and_an_answer_may_be_empty() -> None:
    assert clean_reason(" two\r\nlines\t ") == "two\nlines"
    assert clean_answer("  ", empty=True) == ""
    with pytest.raises(InvalidValue):
        clean_answer(" ", empty=False)
