"""What the usage of the organisation is grouped and filtered by, over which days, and the parts of these days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from portal.rules.lists import ListFilter, ListRules, day_choice, one_of
from portal.rules.messages import InvalidValue, message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.periods import DayRange, first_of_month, first_of_next_month

LONGEST_NAME = 200
NO_COST_CENTRE = "–"
"""The choice of all usage without a cost centre."""


class Grouping(StrEnum):
    """What each row of the usage is about."""

    ACCOUNT = "account"
    TEAM = "team"
    COST_CENTRE = "cost_centre"
    MODEL = "model"
    MODE = "mode"
    GATEWAY = "gateway"
    DAY = "day"
    MONTH = "month"


TIMES = (Grouping.DAY, Grouping.MONTH)
"""The groupings by time; their keys are texts such as 2026-11-22 and 2026-11."""


class Span(StrEnum):
    """A range of days that ends today, or a whole month; days of the budget time zone."""

    MONTH = "month"
    LAST_MONTH = "last_month"
    DAYS_30 = "30"
    DAYS_90 = "90"
    YEAR = "year"


class Measure(StrEnum):
    """What the chart shows; also the name of a sorted column."""

    TOKENS = "tokens"
    COST = "cost"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class UsageScope:
    """Selects usage of the organisation: the days of the budget time zone, and other conditions; None is any value.

    Team 0 is no team, gateway 0 an unknown one, the cost centre "" none.
    """

    days: DayRange
    account: int | None = None
    team: int | None = None
    cost_centre: str | None = None
    model: str | None = None
    mode: str | None = None
    gateway: int | None = None

    @property
    def conditions(self) -> set[Grouping]:
        """What the usage is filtered by."""
        return {by for by in Grouping if by not in TIMES and getattr(self, by.value) is not None}


def _number(text: str) -> str:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidValue(message("This is the number of an account, a team or a gateway."))
    return str(int(text))


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME or "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidValue(
            message("The filter has at most {most} characters, and no NUL among them.", most=LONGEST_NAME)
        )
    return text


SCOPE_CHOICES = {
    "range": one_of(tuple(Span)),
    "from": day_choice,
    "to": day_choice,
    **dict.fromkeys(("account", "team", "gateway"), _number),
    **dict.fromkeys(("cost_centre", "model", "mode"), _name),
}
"""The filters of everything that shows usage of the organisation. `from` and `to` replace `range`."""

USAGE_LIST = ListRules(
    sorts={
        "order": int,
        "key": str,
        "requests": int,
        "prompt_tokens": int,
        "completion_tokens": int,
        "tokens": int,
        "cost": int,
    },
    plain="-order",
    choices={"by": one_of(tuple(Grouping)), "show": one_of(tuple(Measure)), **SCOPE_CHOICES},
)
"""The plain order begins with the latest day or month, and with the largest row of every other grouping."""

REQUEST_LIST = ListRules(sorts={"at": datetime}, plain="-at", choices=SCOPE_CHOICES, searches=False)
"""The requests behind a figure, newest first."""


def grouping_of(wanted: ListFilter) -> Grouping:
    """Return what a filter groups by: teams without a choice."""
    return Grouping(wanted.choice("by") or Grouping.TEAM)


def measure_of(wanted: ListFilter) -> Measure:
    """Return what the chart of a filter shows."""
    return Measure(wanted.choice("show") or Measure.TOKENS)


def scope_of(wanted: ListFilter, today: date) -> UsageScope:
    """Return the usage that a filter selects, on a day of the budget time zone."""
    centre = wanted.choice("cost_centre")
    return UsageScope(
        _days(wanted, today),
        **{name: int(wanted.choice(name)) if wanted.choice(name) else None for name in ("account", "team", "gateway")},
        cost_centre=("" if centre == NO_COST_CENTRE else centre) if centre else None,
        model=wanted.choice("model") or None,
        mode=wanted.choice("mode") or None,
    )


def scope_params(scope: UsageScope) -> dict[str, str]:
    """Return the parameters of an address that select the same usage on any later day."""
    texts = {by.value: str(getattr(scope, by.value)) or NO_COST_CENTRE for by in Grouping if by in scope.conditions}
    return {"from": scope.days.first.isoformat(), "to": scope.days.last.isoformat(), **texts}


def group_params(scope: UsageScope, by: Grouping, number: int, key: str) -> dict[str, str]:
    """Return the parameters of an address that select the usage of one group of a scope.

    `number` and `key` are those of the group: an account, a team or a gateway has a number, all others a key.
    """
    params = scope_params(scope)
    if by in TIMES:
        first = date.fromisoformat(key if by is Grouping.DAY else f"{key}-01")
        days = DayRange(first, first) if by is Grouping.DAY else month_days(first)
        first, last = max(days.first, scope.days.first), min(days.last, scope.days.last)
        return params | {"from": first.isoformat(), "to": last.isoformat()}
    if by in {Grouping.ACCOUNT, Grouping.TEAM, Grouping.GATEWAY}:
        return params | {by.value: str(number)}
    return params | {by.value: key or NO_COST_CENTRE}


def _days(wanted: ListFilter, today: date) -> DayRange:
    first, last = wanted.choice("from"), wanted.choice("to")
    if not first and not last:
        return span_days(Span(wanted.choice("range") or Span.MONTH), today)
    until = date.fromisoformat(last) if last else max(today, date.fromisoformat(first))
    return DayRange(date.fromisoformat(first) if first else first_of_month(until), until)


def span_days(span: Span, today: date) -> DayRange:
    """Return the whole days in the budget time zone that a span means today."""
    if span is Span.MONTH:
        return DayRange(first_of_month(today), today)
    if span is Span.LAST_MONTH:
        last = first_of_month(today) - timedelta(1)
        return DayRange(first_of_month(last), last)
    count = {Span.DAYS_30: 30, Span.DAYS_90: 90, Span.YEAR: 365}[span]
    return DayRange(today - timedelta(count - 1), today)


def month_days(first: date) -> DayRange:
    """Return all days of the month that begins on `first`."""
    return DayRange(first, first_of_next_month(first) - timedelta(1))


def parse_month(text: str, today: date) -> date:
    """Return the first day of a month such as 2026-11; without a text, of the month before. Raises InvalidFilter."""
    if not text:
        return first_of_month(first_of_month(today) - timedelta(1))
    if len(text) != len("2026-11"):
        raise InvalidFilter(Grouping.MONTH.value, message("A month looks like 2026-11."))
    try:
        return parse_day(f"{text}-01", Grouping.MONTH.value)
    except InvalidFilter:
        raise InvalidFilter(Grouping.MONTH.value, message("A month looks like 2026-11.")) from None


@dataclass(frozen=True, slots=True)
class MonthParts:
    """Days as whole months, and the days before and after them; no two parts overlap.

    `months` has the first days of the first and the last whole month, None without one.
    """

    months: DayRange | None
    edges: tuple[DayRange, ...]


def month_parts(days: DayRange) -> MonthParts:
    """Return the parts of a range of days: whole months where possible, and the rest, at most two ranges."""
    first = days.first if days.first.day == 1 else first_of_next_month(days.first)
    after = first_of_month(days.last + timedelta(1))  # the first day after the last whole month
    if first >= after:
        return MonthParts(None, (days,) if len(days) else ())
    edges = DayRange(days.first, first - timedelta(1)), DayRange(after, days.last)
    return MonthParts(DayRange(first, first_of_month(after - timedelta(1))), tuple(each for each in edges if len(each)))
