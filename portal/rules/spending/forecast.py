"""Forecasts when a budget will be used up if the account continues as before, or that it will last.

Method. The expected tokens of a day are the mean of the same weekday in the last eight weeks. Recent weeks weigh more:
the weight halves every two weeks. This mean is moved towards the mean of all days, with the weight of a quarter of a
week, because few weeks say little about a weekday. Within a day, tokens are expected at the hours at which they were
used in the last two weeks, mixed with half a day of even use. The rest of today is multiplied by the ratio of today's
use to the use expected until now, both mixed with one usual day, so that an early burst does not decide the day. Later
days are not multiplied: one day says little about the next.

Sources. Weekly seasonality, the seasonal mean and exponentially falling weights: R. J. Hyndman and G. Athanasopoulos,
"Forecasting: Principles and Practice", 3rd ed., OTexts 2021, sections 2.3, 5.2 and 8.1. Moving a mean of few values
towards a mean of many, with a weight of n / (n + k): H. Bühlmann, "Experience rating and credibility", ASTIN Bulletin
4, 1967. The constants are round numbers; similar numbers give similar results, which
`tests/rules/spending/test_forecast_backtest.py` measures.

Not considered: another limit of the account that stops it earlier, holidays, and other reasons to change habits.
Only this module uses floats: an estimate is never stored and never added to a figure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from portal.rules.periods import (
    DayFinder,
    DayRange,
    Period,
    day_of,
    end_of_day,
    first_of_next_month,
    resets_at,
    start_of_day,
)
from portal.rules.spending.budgets import PeriodBudget

HISTORY_DAYS = 56
"""Number of whole days before today that the forecast uses: eight of each weekday."""
SHAPE_DAYS = 14
"""Number of these days, the last ones, from which the hours are used too."""
LEAST_DAYS = 7
"""Whole days since the first usage that a forecast needs: one of each weekday."""
LEAST_ACTIVE_DAYS = 3
"""Days with usage that a forecast needs."""
HORIZON_DAYS = 365
"""How far ahead a budget that never resets is forecast."""

SOON = timedelta(days=7)
"""A budget that never resets gives a warning if its forecast end is nearer than this."""
_HALF_LIFE_DAYS = 14.0
_TRUST_WEEKDAYS = 0.25  # weeks of the mean day, mixed into each weekday
_TRUST_TODAY = 1.0  # usual days, mixed into the ratio of today
_EVEN_DAYS = 0.5  # days of even use, mixed into the hours of a day
_SLOTS = 24


class Prospect(StrEnum):
    """Kinds of forecasts for a budget."""

    NO_LIMIT = "no_limit"
    EXHAUSTED = "exhausted"
    TOO_LITTLE_DATA = "too_little_data"
    LASTS_UNTIL = "lasts_until"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast for a budget.

    `until` is the instant at which it will be used up, for `LASTS_UNTIL` only: UTC, a whole minute or now, never in the
    past, never after the reset. `ENOUGH` means until the reset, or for `HORIZON_DAYS` if there is none. `ends_early` is
    True if the budget will be used up before it resets, or within `SOON` if it never resets.
    """

    prospect: Prospect
    until: datetime | None = None
    resets_at: datetime | None = None
    ends_early: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Usual usage of an account: tokens on a Monday, on a Tuesday, …, and the share of a day used at each time.

    `by_slot` are 25 shares, rising from 0 to 1: at the start of the day, and at the end of each twenty-fourth of it.
    """

    weekdays: tuple[float, ...]
    by_slot: tuple[float, ...]

    def share_by(self, position: float) -> float:
        """Return which share of a day's tokens is used when this share of the day has passed."""
        slot = min(int(position * _SLOTS), _SLOTS - 1)
        before, after = self.by_slot[slot], self.by_slot[slot + 1]
        return before + (after - before) * (position * _SLOTS - slot)

    def position_at(self, share: float) -> float:
        """Return which share of a day has passed when this share of its tokens is used."""
        for slot, (before, after) in enumerate(pairwise(self.by_slot)):
            if share < after:
                return (slot + max(share - before, 0.0) / (after - before)) / _SLOTS
        return 1.0


def history_days(began: date | None, today: date) -> DayRange | None:
    """Return the whole days that a forecast is made from; None while the first usage is too recent."""
    if began is None or (today - began).days < LEAST_DAYS:
        return None
    return DayRange(max(began, today - timedelta(HISTORY_DAYS)), today - timedelta(1))


def rhythm_of(
    days: Mapping[date, int], hours: Iterable[tuple[datetime, int]], today: date, tz: ZoneInfo
) -> Rhythm | None:
    """Return the usual usage of an account; None if there is too little data.

    `days` are the tokens of the whole days before `today`, from the first usage on, days without usage included;
    `hours` are the tokens of single hours of the last `SHAPE_DAYS` of them.
    """
    if len(days) < LEAST_DAYS or sum(tokens > 0 for tokens in days.values()) < LEAST_ACTIVE_DAYS:
        return None
    weekdays = _weekdays(days, today)
    return Rhythm(weekdays, _by_slot(hours, sum(weekdays) / 7, tz))


def outlook(
    period: Period, budget: PeriodBudget, rhythm: Rhythm | None, used_today: int, now: datetime, tz: ZoneInfo
) -> Outlook:
    """Return the forecast for the budget of the period that contains `now`."""
    end = resets_at(period, now, tz)
    if budget.remaining is None:
        return Outlook(Prospect.NO_LIMIT, resets_at=end)
    if budget.remaining == 0:
        return Outlook(Prospect.EXHAUSTED, resets_at=end)
    if rhythm is None:
        return Outlook(Prospect.TOO_LITTLE_DATA, resets_at=end)
    until = _used_up(budget.remaining, rhythm, used_today, now, _last_day(period, day_of(now, tz)), tz)
    if until is None:
        return Outlook(Prospect.ENOUGH, resets_at=end)
    return Outlook(Prospect.LASTS_UNTIL, until, end, ends_early=end is not None or until - now <= SOON)


def expected(rhythm: Rhythm, used_today: int, now: datetime, last: date, tz: ZoneInfo) -> float:
    """Return how many tokens will be used from `now` to the end of the day `last`."""
    return sum(stretch.tokens for stretch in _ahead(rhythm, used_today, now, last, tz))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A day or the rest of it: the share of its tokens that has passed, and the tokens of the whole day."""

    day: date
    gone: float
    whole: float

    @property
    def tokens(self) -> float:
        return self.whole * (1 - self.gone)


def _ahead(rhythm: Rhythm, used_today: int, now: datetime, last: date, tz: ZoneInfo) -> Iterator[_Stretch]:
    """Yield the rest of today, then each day up to `last`."""
    today = day_of(now, tz)
    start, end = start_of_day(today, tz), end_of_day(today, tz)
    usual, gone = rhythm.weekdays[today.weekday()], rhythm.share_by((now - start) / (end - start))
    yield _Stretch(today, gone, usual * (used_today + _TRUST_TODAY * usual) / (gone * usual + _TRUST_TODAY * usual))
    for day in DayRange(today + timedelta(1), last):
        yield _Stretch(day, 0.0, rhythm.weekdays[day.weekday()])


def _used_up(
    remaining: int, rhythm: Rhythm, used_today: int, now: datetime, last: date, tz: ZoneInfo
) -> datetime | None:
    """Return the instant at which `remaining` tokens will be used; None if that is after the end of `last`."""
    left = float(remaining)
    for stretch in _ahead(rhythm, used_today, now, last, tz):
        if left < stretch.tokens:
            start, end = start_of_day(stretch.day, tz), end_of_day(stretch.day, tz)
            instant = start + (end - start) * rhythm.position_at(stretch.gone + left / stretch.whole)
            return max(min(instant, end - timedelta(minutes=1)).replace(second=0, microsecond=0), now)
        left -= stretch.tokens
    return None


def _last_day(period: Period, today: date) -> date:
    match period:
        case Period.DAILY:
            return today
        case Period.MONTHLY:
            return first_of_next_month(today) - timedelta(1)
        case Period.TOTAL:
            return today + timedelta(HORIZON_DAYS)


def _weekdays(days: Mapping[date, int], today: date) -> tuple[float, ...]:
    """Return the expected tokens of a Monday, a Tuesday, …; each is above 0, since some tokens were used."""
    weights, sums = [0.0] * 7, [0.0] * 7
    for day, tokens in days.items():
        weight = 0.5 ** ((today - day).days / _HALF_LIFE_DAYS)
        weights[day.weekday()] += weight
        sums[day.weekday()] += weight * tokens
    mean = sum(sums) / sum(weights)
    return tuple(
        (tokens + _TRUST_WEEKDAYS * mean) / (weight + _TRUST_WEEKDAYS)
        for tokens, weight in zip(sums, weights, strict=True)
    )


def _by_slot(hours: Iterable[tuple[datetime, int]], usual_day: float, tz: ZoneInfo) -> tuple[float, ...]:
    """Return the share of a day's tokens used at the end of each slot; days of 23 or 25 hours have 24 slots too."""
    slots: list[float] = [usual_day * _EVEN_DAYS / _SLOTS] * _SLOTS
    finder = DayFinder(tz)
    for hour, tokens in hours:
        day = finder.day_of(hour)
        start, end = start_of_day(day, tz), end_of_day(day, tz)
        slots[int((hour - start) / (end - start) * _SLOTS)] += tokens
    total = sum(slots)
    return (0.0, *(used / total for used in accumulate(slots[:-1])), 1.0)
