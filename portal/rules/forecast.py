"""Where a budget leads: when it will be used up if the account goes on as it does, or that it will last.

Method. What a day will bring is the mean of the same weekdays of the last eight weeks, recent ones weighing more (the
weight halves in two weeks), pulled towards the mean of all days as if a quarter of a week of those had been seen too:
with few weeks behind them the weekdays are not yet trusted. Within a day tokens come as they came over the day in the
last two weeks, with half a day of even use mixed in. What is left of today is scaled by how today goes against what was
to be expected by now, with a whole usual day mixed in, so that an early burst does not count for the day. Later days
are not scaled: one day says little about the next.

Sources. Weekly seasonality, the seasonal mean and exponentially falling weights: R. J. Hyndman and G. Athanasopoulos,
"Forecasting: Principles and Practice", 3rd ed., OTexts 2021, sections 2.3, 5.2 and 8.1. Pulling a mean of few values
towards that of many, with a weight of n / (n + k): H. Bühlmann, "Experience rating and credibility", ASTIN Bulletin 4,
1967. The constants are round numbers, and others near them do about as well: `tests/rules/test_forecast_backtest.py`
says how well.

What it leaves out. That another limit of the account will stop it earlier, holidays, and every reason to change habits.
Floats live only in here: an estimate is never stored and never summed into a figure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from portal.rules.budgets import PeriodBudget
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

HISTORY_DAYS = 56
"""How many whole days before today are looked at; every weekday eight times."""
SHAPE_DAYS = 14
"""Of how many of them it matters at which hour tokens were used."""
LEAST_DAYS = 7
"""So many whole days must have passed since the first usage: every weekday has been seen once."""
LEAST_ACTIVE_DAYS = 3
"""On so many of them something must have been used."""
HORIZON_DAYS = 365
"""How far ahead a budget that never resets is followed."""

SOON = timedelta(days=7)
"""How near the end of a budget that never resets must be to be warned of."""
_HALF_LIFE_DAYS = 14.0
_TRUST_WEEKDAYS = 0.25  # weeks of the mean day that are mixed into each weekday
_TRUST_TODAY = 1.0  # usual days that are mixed into how today goes
_EVEN_DAYS = 0.5  # days of even use that are mixed into the shape of a day
_SLOTS = 24


class Prospect(StrEnum):
    """What there is to say of a budget's future."""

    NO_LIMIT = "no_limit"
    EXHAUSTED = "exhausted"
    TOO_LITTLE_DATA = "too_little_data"
    LASTS_UNTIL = "lasts_until"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a budget leads.

    `until` is when it will be used up (UTC, a whole minute unless that has begun), only of what lasts until then; it is
    never past and never after the reset. `enough` is until the reset, or for `HORIZON_DAYS` where there is none.
    `ends_early` is whether it will be used up before it resets, or within `SOON` where it never does.
    """

    prospect: Prospect
    until: datetime | None = None
    resets_at: datetime | None = None
    ends_early: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How an account uses tokens: how many on a Monday, on a Tuesday, …, and which share of a day by when.

    `by_slot` are the shares that are used until the end of each twenty-fourth of a day, rising from 0 to 1, the
    first one before any.
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
    """Return how an account uses tokens; None when there is too little to tell.

    `days` are the tokens of the whole days before `today`, zero days included, none before the first usage; `hours`
    those of single hours of the last of these days, in any number.
    """
    if len(days) < LEAST_DAYS or sum(tokens > 0 for tokens in days.values()) < LEAST_ACTIVE_DAYS:
        return None
    weekdays = _weekdays(days, today)
    return Rhythm(weekdays, _by_slot(hours, sum(weekdays) / 7, tz))


def outlook(
    period: Period, budget: PeriodBudget, rhythm: Rhythm | None, used_today: int, now: datetime, tz: ZoneInfo
) -> Outlook:
    """Return where the budget of the period that contains `now` leads."""
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
    """A day, or what is left of it: the share of its tokens that is gone, and how many a whole one would have."""

    day: date
    gone: float
    whole: float

    @property
    def tokens(self) -> float:
        return self.whole * (1 - self.gone)


def _ahead(rhythm: Rhythm, used_today: int, now: datetime, last: date, tz: ZoneInfo) -> Iterator[_Stretch]:
    """Yield what is left of today, and the days after it up to `last`."""
    today = day_of(now, tz)
    start, end = start_of_day(today, tz), end_of_day(today, tz)
    usual, gone = rhythm.weekdays[today.weekday()], rhythm.share_by((now - start) / (end - start))
    yield _Stretch(today, gone, usual * (used_today + _TRUST_TODAY * usual) / (gone * usual + _TRUST_TODAY * usual))
    for day in DayRange(today + timedelta(1), last):
        yield _Stretch(day, 0.0, rhythm.weekdays[day.weekday()])


def _used_up(
    remaining: int, rhythm: Rhythm, used_today: int, now: datetime, last: date, tz: ZoneInfo
) -> datetime | None:
    """Return when so many tokens will have been used; None when not before the end of `last`."""
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
    """Return how many tokens are to be expected on a Monday, a Tuesday, …; never 0, since some were used."""
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
    """Return which share of a day's tokens is used by the end of each slot; days of 23 and 25 hours have 24 as well."""
    slots: list[float] = [usual_day * _EVEN_DAYS / _SLOTS] * _SLOTS
    finder = DayFinder(tz)
    for hour, tokens in hours:
        day = finder.day_of(hour)
        start, end = start_of_day(day, tz), end_of_day(day, tz)
        slots[int((hour - start) / (end - start) * _SLOTS)] += tokens
    total = sum(slots)
    return (0.0, *(used / total for used in accumulate(slots[:-1])), 1.0)
