"""The sums that an event belongs to. Ingest, verification, rebuilding and pruning all use this module, so they agree.

Decision: there are two kinds of roll-ups with the same detail, so Usage History can sum any filter without reading the
events: days of the budget time zone, and hours (UTC) for the ends of the days of other zones. Every other summed table
is computed from the daily roll-ups: counters of days, months and the total for cards and charts, days by model and mode
for Billing, counters of keys and teams, and days of the organisation. Pruned events are kept as daily roll-ups only, so
tables that count them need the daily roll-ups; these also have the team and the gateway.
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


NO_TEAM = 0
"""The id that sums have for usage without a team."""
NO_GATEWAY = 0
"""The id that sums have for usage that was pruned before they had a gateway."""


class SumKey(Protocol):
    """The key of a row in a summed table: it identifies one sum of an account, of a team or of the organisation."""

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


class KeyCounterKey(NamedTuple):
    """The key of a counter of an API key: as CounterKey, for one key of an account."""

    account_id: int
    api_key_id: int
    period: Period
    start: date

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"{self.period} counter of {self.start}, key {self.api_key_id}"


class TeamCounterKey(NamedTuple):
    """The key of a counter of a team: as CounterKey, for the members of a team; `NO_TEAM` for usage without a team."""

    team_id: int
    period: Period
    start: date

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"{self.period} counter of {self.start}, {_team_name(self.team_id)}"


class OrganisationKey(NamedTuple):
    """The key of a sum over all accounts: a day of the budget time zone, with one gateway, model and mode."""

    day: date
    gateway_id: int
    model: str
    mode: str

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        return f"organisation's sum of {self.day}, {_gateway_name(self.gateway_id)}, {self.model}, {self.mode}"


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
    """The key of a daily roll-up: an account's day of the budget time zone, with all that usage is grouped by."""

    account_id: int
    day: date
    model: str
    mode: str
    api_key_id: int = NO_KEY
    failed: bool = False
    team_id: int = NO_TEAM
    gateway_id: int = NO_GATEWAY

    @property
    def name(self) -> str:
        """The name of the sum, for people."""
        team, gateway = _team_name(self.team_id), _gateway_name(self.gateway_id)
        return f"roll-up of {self.day}, {_detail_name(self)}, {team}, {gateway}"


class HourlyKey(NamedTuple):
    """The key of an hourly roll-up: an account's hour that starts at an instant (UTC), without team and gateway."""

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


def _team_name(team_id: int) -> str:
    return f"team {team_id}" if team_id else "no team"


def _gateway_name(gateway_id: int) -> str:
    return f"gateway {gateway_id}" if gateway_id else "unknown gateway"


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
    def team_id(self) -> int | None: ...  # noqa: D102
    @property
    def gateway_id(self) -> int: ...  # noqa: D102
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
        day = DailyKey(
            event.account_id, self._days.day_of(instant), *detail, event.team_id or NO_TEAM, event.gateway_id
        )
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
    return regroup(days, lambda key: [CounterKey(key[0], *each) for each in _periods(key[1])])


def key_counters_of(sums: Sums) -> dict[KeyCounterKey, Figures]:
    """Return the counters of API keys, from the daily roll-ups; usage without a key has none."""
    days = regroup(sums.daily, lambda key: [(key.account_id, key.api_key_id, key.day)] if key.api_key_id else [])
    return regroup(days, lambda key: [KeyCounterKey(*key[:2], *each) for each in _periods(key[2])])


def team_counters_of(sums: Sums) -> dict[TeamCounterKey, Figures]:
    """Return the counters of teams, from the daily roll-ups; usage without a team counts for `NO_TEAM`."""
    days = regroup(sums.daily, lambda key: [(key.team_id, key.day)])
    return regroup(days, lambda key: [TeamCounterKey(key[0], *each) for each in _periods(key[1])])


def organisation_of(sums: Sums) -> dict[OrganisationKey, Figures]:
    """Return the sums over all accounts, from the daily roll-ups."""
    return regroup(sums.daily, lambda key: [OrganisationKey(key.day, key.gateway_id, key.model, key.mode)])


def _periods(day: date) -> list[tuple[Period, date]]:
    """Return the periods that contain a day, with the first day of each."""
    return [(period, period_start(period, day)) for period in Period]


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
