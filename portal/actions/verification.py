"""Proving that the sums are the sums, and writing them anew.

Decision: an account is gone through day by day, so that only one day's roll-ups are held at a time, however many events
there are. Pruned events count by the sums that were kept of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db.accounts import all_accounts, lock_account
from portal.db.counters import account_counters, clear_counters
from portal.db.events import account_events, count_in, count_pruned, count_stored_and_pruned
from portal.db.rollups import (
    clear_roll_ups,
    pruned_requests,
    stored_daily,
    stored_hourly,
    stored_models,
    stored_pruned,
)
from portal.db.sql.session import database, run_in_reading
from portal.rules.figures import Figures
from portal.rules.periods import DayFinder, end_of_day
from portal.rules.rollups import (
    CounterKey,
    DailyKey,
    HourlyKey,
    ModelKey,
    add_up,
    counters_of,
    models_of,
    start_of_hour,
    sum_up,
)
from portal.rules.text import counted

Key = TypeVar("Key", CounterKey, ModelKey, DailyKey, HourlyKey)
Timed = TypeVar("Timed", ModelKey, DailyKey, HourlyKey)


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is not what the events add up to."""

    key: CounterKey | ModelKey | DailyKey | HourlyKey
    kept: Figures
    true: Figures

    @property
    def name(self) -> str:
        """Which sum of the account it is."""
        return _name(self.key)

    def __str__(self) -> str:
        """Name the sum and both values."""
        return (
            f"account {self.key.account_id}: {self.name}: kept {_brief(self.kept)}, events sum to {_brief(self.true)}"
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the ledger, as a sentence; with the account and the sum where it is about one."""

    sentence: str
    username: str | None = None
    difference: Difference | None = None

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class _Day:
    """What the events of an account add up to: those of one day, and those of the hours that are over by its end.

    The last of an account has no `day`, only what is left.
    """

    day: date | None
    daily: dict[DailyKey, Figures]
    hourly: dict[HourlyKey, Figures]
    over: datetime | None


def verify_account(
    session: Session, account_id: int, budget_tz: ZoneInfo, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Difference]:
    """Yield every counter and roll-up of an account that differs from the sum of its events.

    Run it in a snapshot: events that arrive meanwhile are then neither in the one nor in the other. `advance` is called
    with the number of requests that were gone through.
    """
    kept_models = _Ahead(stored_models(session, account_id), lambda key: key.day)
    kept_daily = _Ahead(stored_daily(session, account_id), lambda key: key.day)
    kept_hourly = _Ahead(stored_hourly(session, account_id), lambda key: key.hour)
    counters: dict[CounterKey, Figures] = {}
    for part in _days(session, account_id, budget_tz):
        advance(sum(figures.requests for figures in part.daily.values()))
        _count(counters, part.daily)
        yield from _differences(kept_models.until(part.day), models_of(part.daily))
        yield from _differences(kept_daily.until(part.day), part.daily)
        yield from _differences(kept_hourly.until(part.over), part.hourly)
    yield from _differences(account_counters(session, account_id), counters)


def verify_pruned(session: Session) -> list[str]:
    """Return what is wrong with the ids that are kept of pruned events: one that is missing could be counted again."""
    found = []
    ids, requests = count_pruned(session), pruned_requests(session)
    if ids != requests:
        found.append(f"pruned events: the ids of {ids:,} are kept, their sums say {requests:,}")
    twice = count_stored_and_pruned(session)
    if twice:
        found.append(f"pruned events: {twice:,} are stored as well, and so are counted twice")
    return found


def verify_ledger(budget_tz: ZoneInfo, advance: Callable[[int], None] = lambda _: None) -> Iterator[Fault]:
    """Yield what is wrong anywhere in the ledger; every account is read in a snapshot of its own."""
    for account in run_in_reading(all_accounts):
        with database().reading() as session:
            for difference in verify_account(session, account.id, budget_tz, advance):
                yield Fault(f"{account.username}, {difference}", account.username, difference)
    for sentence in run_in_reading(verify_pruned):
        yield Fault(sentence)


def rebuild_account(session: Session, account_id: int, budget_tz: ZoneInfo) -> None:
    """Write an account's counters and roll-ups anew from its events; its new events wait until that is done."""
    lock_account(session, account_id)
    clear_counters(session, account_id)
    clear_roll_ups(session, account_id)
    for part in _days(session, account_id, budget_tz):
        count_in(session, part.daily, part.hourly)


def _days(session: Session, account_id: int, budget_tz: ZoneInfo) -> Iterator[_Day]:
    """Yield what an account's events add up to, day by day."""
    pruned = _Ahead(stored_pruned(session, account_id), lambda key: key.day)
    days = DayFinder(budget_tz)
    hourly: dict[HourlyKey, Figures] = {}
    for day, events in groupby(account_events(session, account_id), lambda event: days.day_of(event.requested_at)):
        sums = sum_up(events, budget_tz)
        over = start_of_hour(end_of_day(day, budget_tz))  # in some zones a day ends within an hour
        hourly = add_up(hourly, sums.hourly)
        whole = {key: figures for key, figures in hourly.items() if key.hour < over}
        hourly = {key: figures for key, figures in hourly.items() if key.hour >= over}
        yield _Day(day, add_up(sums.daily, pruned.until(day)), whole, over)
    yield _Day(None, pruned.until(None), hourly, None)


class _Ahead(Generic[Timed]):
    """Reads a stream of figures in the order of time, as far as it is asked to."""

    def __init__(self, stream: Iterator[tuple[Timed, Figures]], time: Callable[[Timed], date]) -> None:
        self._stream: Iterator[tuple[Timed, Figures]] = stream
        self._time: Callable[[Timed], date] = time
        self._next: tuple[Timed, Figures] | None = next(stream, None)

    def until(self, last: date | None) -> dict[Timed, Figures]:
        """Return what comes next: of a day, up to and with it; of an instant, what lies before it; None is the rest."""
        found: dict[Timed, Figures] = {}
        while self._next is not None and (last is None or self._is_due(self._time(self._next[0]), last)):
            found[self._next[0]] = self._next[1]
            self._next = next(self._stream, None)
        return found

    @staticmethod
    def _is_due(time: date, last: date) -> bool:
        return time < last if isinstance(last, datetime) else time <= last


def _count(counters: dict[CounterKey, Figures], daily: Mapping[DailyKey, Figures]) -> None:
    for key, figures in counters_of(daily).items():
        counters[key] = counters.get(key, Figures()) + figures


def _differences(kept: Mapping[Key, Figures], true: Mapping[Key, Figures]) -> Iterator[Difference]:
    for key in sorted(kept.keys() | true.keys()):
        if kept.get(key, Figures()) != true.get(key, Figures()):
            yield Difference(key, kept.get(key, Figures()), true.get(key, Figures()))


def _name(key: CounterKey | ModelKey | DailyKey | HourlyKey) -> str:
    if isinstance(key, CounterKey):
        return f"{key.period} counter of {key.start}"
    if isinstance(key, ModelKey):
        return f"sum of {key.day}, {key.model}, {key.mode}"
    time = f"{key.day}" if isinstance(key, DailyKey) else f"{key.hour:%Y-%m-%d %H}:00 UTC"
    detail = f"key {key.api_key_id}" if key.api_key_id else "no key"
    return f"roll-up of {time}, {key.model}, {key.mode}, {detail}{', failed' if key.failed else ''}"


def _brief(figures: Figures) -> str:
    unpriced = f", {figures.unpriced:,} unpriced" if figures.unpriced else ""
    without = f", {figures.without_counts:,} without counts" if figures.without_counts else ""
    counts = f"{counted(figures.tokens, 'token')}, {counted(figures.requests, 'request')}"
    return f"{counts}, {figures.cost_nano_eur:,} nano-EUR{unpriced}{without}"
