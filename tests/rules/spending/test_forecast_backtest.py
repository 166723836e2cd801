"""Errors of the forecast on the demo's history, which is generated with weeks, hours, and good and bad days.

Each day of the last four weeks is forecast at three hours, only from the data before that time. Errors are percentages
of the real usage; `pytest -s` prints them. They are compared with a naive forecast: the usage continues at the mean of
the month so far.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.demo.history import billable, make_history
from portal.demo.people import OWNER, PEOPLE, DemoPerson
from portal.rules.periods import DayRange, first_of_month, start_of_day
from portal.rules.spending.forecast import SHAPE_DAYS, Rhythm, expected, history_days, rhythm_of

TZ = ZoneInfo("UTC")
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
"""End of the history; its last, unfinished day is not forecast."""
HOURS = (9, 12, 18)
A_DAY = timedelta(1)
PERSONS = [person for person in PEOPLE if person.joined > 90 and person.left is None]


class Used:
    """Tokens that one person used, by hour."""

    def __init__(self, hours: Iterable[tuple[datetime, int]]) -> None:
        """Sum requests by hour."""
        self._hours: dict[datetime, int] = {}
        for at, tokens in hours:
            hour = at.replace(minute=0, second=0, microsecond=0)
            self._hours[hour] = self._hours.get(hour, 0) + tokens

    def between(self, since: datetime, until: datetime) -> int:
        return sum(tokens for hour, tokens in self._hours.items() if since <= hour < until)

    def rhythm(self, today: date) -> Rhythm | None:
        """Return the person's rhythm from the data before `today`."""
        span = history_days(min(self._hours).date(), today)
        if span is None:
            return None
        days = dict.fromkeys(span, 0)
        for hour, tokens in self._hours.items():
            if hour.date() in days:
                days[hour.date()] += tokens
        shape = start_of_day(today - SHAPE_DAYS * A_DAY, TZ), start_of_day(today, TZ)
        hours = [(hour, tokens) for hour, tokens in self._hours.items() if shape[0] <= hour < shape[1]]
        return rhythm_of(days, hours, today, TZ)


@dataclass(frozen=True, slots=True)
class Guess:
    """A forecast, the naive forecast, the real tokens, and the tokens that the error is a share of."""

    ours: float
    naive: float
    truth: int
    of: int


def history(person: DemoPerson, seed: int) -> Used:
    reports = make_history(seed, END, TZ, days=91, people=[person])
    return Used((report.requested_at, billable(report)) for report in reports if report.requested_at is not None)


@pytest.fixture(scope="module")
def demo() -> list[Used]:
    """Return four generated histories of the demo account, since the error of a single one varies."""
    return [history(person, seed) for seed in (1, 2, 3, 4) for person in PERSONS if person.username == OWNER]


@pytest.fixture(scope="module")
def everybody(demo: list[Used]) -> list[Used]:
    """Return one generated history of each person; some have idle weeks."""
    return [demo[0], *(history(person, 1) for person in PERSONS if person.username != OWNER)]


def guesses(
    used: list[Used], last_known: date, last_of: Callable[[date], date], *, of_month: bool = False
) -> list[Guess]:
    """Return the forecasts from each day of four weeks to the end of the day that `last_of` returns for it."""
    return [
        guess
        for one in used
        for today in DayRange(last_known - 27 * A_DAY, last_known)
        for guess in _guesses_of(one, today, last_of(today), of_month)
    ]


def _guesses_of(used: Used, today: date, last: date, of_month: bool) -> Iterator[Guess]:
    rhythm = used.rhythm(today)
    assert rhythm is not None
    begin, end, month = (start_of_day(day, TZ) for day in (today, last + A_DAY, first_of_month(today)))
    for now in (begin + timedelta(hours=hour) for hour in HOURS):
        so_far, truth = used.between(month, now), used.between(now, end)
        yield Guess(
            ours=expected(rhythm, used.between(begin, now), now, last, TZ),
            naive=so_far * ((end - now) / (now - month)),
            truth=truth,
            of=so_far + truth if of_month else truth,
        )


def mean_error(guesses: list[Guess], forecast: Callable[[Guess], float]) -> float:
    """Return the mean absolute percentage error."""
    return 100 * sum(abs(forecast(guess) - guess.truth) / guess.of for guess in guesses) / len(guesses)


def weighted_error(guesses: list[Guess], forecast: Callable[[Guess], float]) -> float:
    """Return the sum of the errors in percent of the real sum; a single idle week changes it little."""
    return 100 * sum(abs(forecast(guess) - guess.truth) for guess in guesses) / sum(guess.truth for guess in guesses)


def compare(name: str, measure: Callable[[list[Guess], Callable[[Guess], float]], float], found: list[Guess]) -> float:
    """Print both errors and return ours; fail if the naive error is not larger."""
    ours, naive = measure(found, lambda guess: guess.ours), measure(found, lambda guess: guess.naive)
    sys.stdout.write(f"\n{name}: {ours:.1f} %, naive {naive:.1f} %")
    assert ours < naive
    return ours


def month_end(day: date) -> date:
    return date(2026, 11, 30)


def a_week_on(day: date) -> date:
    return day + 7 * A_DAY


def test_error_of_the_demo_accounts_next_week_is_small(demo: list[Used]) -> None:
    found = guesses(demo, date(2026, 11, 23), a_week_on)
    assert compare("next 7 days, demo, mean error", mean_error, found) < 15


def test_error_of_the_demo_accounts_month_is_small(demo: list[Used]) -> None:
    """The error is a share of the sum of the month, which counts against the limit."""
    found = guesses(demo, date(2026, 11, 30), month_end, of_month=True)
    assert compare("sum of the month, demo, mean error", mean_error, found) < 7


def test_error_of_the_demo_accounts_rest_of_month_is_small(demo: list[Used]) -> None:
    found = guesses(demo, date(2026, 11, 30), month_end)
    assert compare("rest of the month, demo, weighted error", weighted_error, found) < 15


def test_error_of_the_demo_accounts_rest_of_day_is_bounded(demo: list[Used]) -> None:
    """Single days differ much, so the bound is high; the forecast must still be better than the naive one."""
    found = guesses(demo, date(2026, 11, 30), lambda day: day)
    assert compare("rest of the day, demo, weighted error", weighted_error, found) < 50


def test_error_of_everybodys_next_week_is_bounded(everybody: list[Used]) -> None:
    found = guesses(everybody, date(2026, 11, 23), a_week_on)
    assert compare("next 7 days, everybody, weighted error", weighted_error, found) < 22


def test_error_of_everybodys_rest_of_month_is_bounded(everybody: list[Used]) -> None:
    found = guesses(everybody, date(2026, 11, 30), month_end)
    assert compare("rest of the month, everybody, weighted error", weighted_error, found) < 22
