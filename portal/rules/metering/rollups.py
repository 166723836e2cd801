"""The sums that an event belongs to. Ingest, verification, rebuilding and pruning all use this module, so they agree.

Decision: there are two kinds of roll-ups with the same detail, so Usage History can sum any filter without reading the
events: days of the budget time zone, and hours (UTC) for the ends of the days of other zones. Every other summed table
is computed from the daily roll-ups: counters of days, months and the total for cards and charts, days by model and mode
for Billing. Pruned events are kept as daily roll-ups only, so tables that count them need the daily roll-ups.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from portal.rules.metering.figures import Figures
from portal.rules.periods import DayFinder, DayRange, Period, day_of, period_start, start_of_day

Key = TypeVar("Key", bound=tuple[object, ...])
Group = TypeVar("Group", bound=tuple[object, ...])

HOUR = timedelta(hours=1)
NO_KEY = 0
"""The id that roll-ups have for usage without an API key."""


class SumKey(Protocol):
    """The key of a row in a summed table: it identifies one sum of an account."""

    @property
    def account_id(self) -> int: ...  # noqa: D102  # the names are those of the table
    @property
    def name(self) -> str:
        """The name of the sum, for people."""


class CounterKey(NamedTuple):
    """The key of a counter: a period of an account, identified by its first day."""

    account_id: int
    period: Period
    start: date

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"{self.period} counter of {self.start}"


class ModelKey(NamedTuple):
    """The key of a sum by model: an account's day of the budget time zone, with one model in one mode."""

    account_id: int
    day: date
    model: str
    mode: str

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"sum of {self.day}, {self.model}, {self.mode}"


class DailyKey(NamedTuple):
    """The key of a daily roll-up: an account's day of the budget time zone, with one model, mode and API key."""

    account_id: int
    day: date
    model: str
    mode: str
    api_key_id: int = NO_KEY
    failed: bool = False

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"roll-up of {self.day}, {_detail_name(self)}"


class HourlyKey(NamedTuple):
    """The key of an hourly roll-up: as DailyKey, for the hour that starts at an instant (UTC)."""

    account_id: int
    hour: datetime
    model: str
    mode: str
    api_key_id: int = NO_KEY
    failed: bool = False

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"roll-up of {self.hour:%Y-%m-%d %H}:00 UTC, {_detail_name(self)}"


def _detail_name(key: DailyKey | HourlyKey) -> str:
    api_key = f"key {key.api_key_id}" if key.api_key_id else "no key"
    return f"{key.model}, {key.mode}, {api_key}{', failed' if key.failed else ''}"


class Counted(Protocol):
    """The fields of an event that counting needs; `requested_at` is UTC."""

    @property
    def account_id(self) -> int: ...  # noqa: D102  # the names are those of the table
    @property
    def requested_at(self) -> datetime: ...  # noqa: D102
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def mode(self) -> str: ...  # noqa: D102
    @property
    def api_key_id(self) -> int | None: ...  # noqa: D102
    @property
    def failed(self) -> bool: ...  # noqa: D102
    @property
    def figures(self) -> Figures: ...  # noqa: D102


class Sums:
    """Sums of some events by day and by hour, in full detail; other summed tables are computed from the days."""

    def __init__(self, budget_tz: ZoneInfo) -> None:
        """Start with no events; days are days of `budget_tz`."""
        self.daily: dict[DailyKey, Figures] = {}
        self.hourly: dict[HourlyKey, Figures] = {}
        self._days = DayFinder(budget_tz)

    def add(self, event: Counted) -> None:
        """Add one event; it counts in the periods of its own instant, even if it arrives late."""
        instant, figures = event.requested_at, event.figures
        detail = event.model, event.mode, event.api_key_id or NO_KEY, event.failed
        day = DailyKey(event.account_id, self._days.day_of(instant), *detail)
        hour = HourlyKey(event.account_id, start_of_hour(instant), *detail)
        _add(self.daily, day, figures)
        _add(self.hourly, hour, figures)


def sum_up(events: Iterable[Counted], budget_tz: ZoneInfo) -> Sums:
    """Return the sums of some events."""
    sums = Sums(budget_tz)
    for event in events:
        sums.add(event)
    return sums


def regroup(sums: Mapping[Key, Figures], groups: Callable[[Key], Iterable[Group]]) -> dict[Group, Figures]:
    """Return sums by other keys; `groups` returns those of a key, which may be none or several."""
    found: dict[Group, Figures] = {}
    for key, figures in sums.items():
        for group in groups(key):
            _add(found, group, figures)
    return found


def counters_of(sums: Sums) -> dict[CounterKey, Figures]:
    """Return the counters of all periods, from the daily roll-ups."""
    days = regroup(sums.daily, lambda key: [(key.account_id, key.day)])
    return regroup(days, lambda key: [CounterKey(key[0], period, period_start(period, key[1])) for period in Period])


def models_of(sums: Sums) -> dict[ModelKey, Figures]:
    """Return the sums by day, model and mode, from the daily roll-ups."""
    return regroup(sums.daily, lambda key: [ModelKey(key.account_id, key.day, key.model, key.mode)])


def add_to(sums: dict[Key, Figures], added: Mapping[Key, Figures]) -> None:
    """Add figures to the sums with the same keys."""
    for key, figures in added.items():
        _add(sums, key, figures)


@dataclass(frozen=True, slots=True)
class Cover:
    """A time range as parts: whole days of the budget time zone, whole hours, and the rest, which needs the events.

    `hours` and `rest` are ranges of instants `start <= instant < end`. No two parts overlap.
    """

    days: DayRange | None
    hours: tuple[tuple[datetime, datetime], ...]
    rest: tuple[tuple[datetime, datetime], ...]


def cover(since: datetime, until: datetime, budget_tz: ZoneInfo) -> Cover:
    """Return the parts of the range `since <= instant < until`: days where possible, then hours, then the rest."""
    first, last = day_of(since, budget_tz), day_of(until, budget_tz) - timedelta(1)
    if start_of_day(first, budget_tz) < since:
        first += timedelta(1)
    if first > last:
        edges, days = [(since, until)], None
    else:
        begins, ends = start_of_day(first, budget_tz), start_of_day(last + timedelta(1), budget_tz)
        edges, days = [(since, begins), (ends, until)], DayRange(first, last)
    hours, rest = [], []
    for start, end in edges:
        begins, ends = start_of_hour(start + HOUR - timedelta(microseconds=1)), start_of_hour(end)
        if begins < ends:
            hours.append((begins, ends))
            rest += [(start, begins), (ends, end)]
        else:
            rest.append((start, end))
    return Cover(days, tuple(hours), tuple(_lasting(rest)))


def start_of_hour(instant: datetime) -> datetime:
    """Return the start of the hour (UTC) that contains an instant (UTC)."""
    return instant.replace(minute=0, second=0, microsecond=0)


def _lasting(ranges: list[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    return ((start, end) for start, end in ranges if start < end)


def _add(sums: dict[Key, Figures], key: Key, figures: Figures) -> None:
    before = sums.get(key)
    sums[key] = figures if before is None else before + figures
