"""The filter of Usage History, and a request that a gateway reported."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from portal.rules.instants import parse_instant
from portal.rules.messages import InvalidValue, Message, message
from portal.rules.periods import DayRange, end_of_day, last_days, start_of_day

RANGES = (7, 30, 90)
FIRST_DAY = date(1999, 12, 31)
LAST_DAY = date(2999, 12, 31)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a gateway's clock may be."""
LONGEST_ID = 256
"""Characters of the id that a gateway gives a request."""
LONGEST_LATENCY = 10**9
"""Milliseconds: eleven days."""


class Status(StrEnum):
    """Which requests to show."""

    ALL = "all"
    OK = "ok"
    ERROR = "error"


class Counts(StrEnum):
    """Whether to show all requests, or only those with unknown tokens."""

    ALL = "all"
    UNKNOWN = "unknown"


class Order(StrEnum):
    """The order of the requests."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LARGEST = "largest"


class InvalidFilter(InvalidValue):
    """A filter is malformed; `field` names it."""

    def __init__(self, field: str, sentence: Message) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Selects the requests of an account to show; the parameters of a URL of Usage History.

    `from_day` and `to_day` are whole days of the account's zone, both inclusive, and replace `range`.
    `budget_from` and `budget_to` are days of the budget time zone: links from cards and charts use them.
    """

    range: int = 7
    token_name: str = ""
    mode: str = ""
    status: Status = Status.ALL
    from_day: date | None = None
    to_day: date | None = None
    model: str = ""
    budget_from: date | None = None
    budget_to: date | None = None
    order: Order = Order.NEWEST
    counts: Counts = Counts.ALL

    def days(self, now: datetime, tz: ZoneInfo) -> DayRange:
        """Return the days of the account's zone between From and To."""
        usual = last_days(self.range, now, tz)
        last = self.to_day or (max(usual.last, self.from_day) if self.from_day else usual.last)
        return DayRange(self.from_day or min(usual.first, last - timedelta(self.range - 1)), last)

    def span(self, now: datetime, tz: ZoneInfo, budget_tz: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the instants `start <= requested_at < end` of the requests to show."""
        if self.budget_from or self.budget_to:
            first, last, zone = self.budget_from or FIRST_DAY, self.budget_to or LAST_DAY, budget_tz
        else:
            days = self.days(now, tz)
            first, last, zone = days.first, days.last, tz
        return start_of_day(first, zone), end_of_day(last, zone)

    def params(self) -> dict[str, str]:
        """Return the choices that differ from the default, as parameters of a URL."""
        plain = UsageFilter()
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        return {_URL.get(k, k): _as_text(v) for k, v in chosen.items() if v != getattr(plain, k) and v is not None}

    def without_each(self) -> list[tuple[str, "UsageFilter"]]:
        """Return each choice that differs from the default: its name, and the filter without it.

        `days` is the name of all choices of days; the filter without them has the longest range.
        """
        plain = UsageFilter()
        names = [name for name in _CHOICES if getattr(self, name) != getattr(plain, name)]
        found = [(name, self.with_(**{name: getattr(plain, name)})) for name in names]
        widest = self.with_(range=RANGES[-1], from_day=None, to_day=None, budget_from=None, budget_to=None)
        return found if widest == self else [*found, ("days", widest)]

    def with_(self, **changes: object) -> "UsageFilter":
        """Return the filter with other choices."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the caller names fields


_CHOICES = ("token_name", "model", "mode", "status", "counts")
_URL = {"from_day": "from", "to_day": "to"}
_MOST = {"token_name": 100, "mode": 64, "model": 200}
_DAYS = {"from": "from_day", "to": "to_day", "budget_from": "budget_from", "budget_to": "budget_to"}
FILTER_PARAMS = (
    "range",
    "token_name",
    "mode",
    "status",
    "from",
    "to",
    "model",
    "budget_from",
    "budget_to",
    "order",
    "counts",
)


def parse_filter(params: Mapping[str, str]) -> UsageFilter:
    """Return the filter in the parameters of a URL; empty ones are ignored. Raises InvalidFilter for the first bad."""
    chosen: dict[str, object] = {}
    for name, text in params.items():
        if name not in FILTER_PARAMS:
            raise InvalidFilter(name[:64], message("There is no filter called {name}.", name=repr(name[:64])))
        if text:
            chosen[_DAYS.get(name, name)] = _parse(name, text)
    parsed = UsageFilter(**chosen)  # type: ignore[arg-type]  # each was parsed to its field's type
    for first, last, field in (
        (parsed.from_day, parsed.to_day, "to"),
        (parsed.budget_from, parsed.budget_to, "budget_to"),
    ):
        if first and last and first > last:
            raise InvalidFilter(field, message("The first day lies after the last day."))
    return parsed


def _parse(name: str, text: str) -> object:
    if name == "range":
        if text not in map(str, RANGES):
            raise InvalidFilter(name, message("The range is 7, 30 or 90 days."))
        return int(text)
    if name == "status":
        return _choice(Status, name, text)
    if name == "order":
        return _choice(Order, name, text)
    if name == "counts":
        return _choice(Counts, name, text)
    if name in _DAYS:
        return parse_day(text, name)
    if len(text) > _MOST[name] or "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidFilter(
            name, message("The filter has at most {most} characters, and no NUL among them.", most=_MOST[name])
        )
    return text


def _choice(kind: type[Status] | type[Order] | type[Counts], name: str, text: str) -> object:
    try:
        return kind(text)
    except ValueError:
        raise InvalidFilter(name, message("Choose one of {choices}.", choices=", ".join(kind))) from None


def parse_day(text: str, field: str) -> date:
    """Return the day in a text such as 2026-11-22. Raises InvalidFilter that names `field`."""
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:  # Python reads 20261122 and 2026-W47-7 as well
            raise ValueError
    except ValueError:
        raise InvalidFilter(field, message("A day looks like 2026-11-22.")) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidFilter(field, message("Days lie between {first} and {last}.", first=FIRST_DAY, last=LAST_DAY))
    return day


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is refused, with the reason; `id` is None if it has no valid id."""

    id: str | None
    reason: str


def reason_group(reason: str) -> str:
    """Return the reason that rejected events are counted by: "…" replaces the parts that differ between events."""
    return _VARIABLE.sub(lambda found: found["ours"] or "…", reason)[:_LONGEST_REASON]


_VARIABLE = re.compile(
    r"(?P<ours>\b(?:than|most|least|from|to|between|and) \d+(?:[.,]\d+)*(?!\w)|\bsuch as \S+)"
    r"|“[^”]*”"
    r"|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|[0-9a-fA-F-]*\d[0-9a-fA-F-]{7,}"
    r"|(?<![\w.-])[+-]?\d+(?:[.,:]\d+)*(?!\w)"
)
"""Matches quoted text, instants, ids and numbers. Limits and examples of the portal, such as "at most 1,000,000", are
in the group `ours` and stay; a number that is part of a word, such as gpt-4, does not match."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Replay:
    """A call that reports the usage of an earlier one: it reads, lists or cancels a stored answer, or polls a batch.

    It counts as a replay of the gateway and is never billed; `id` is None if it has no valid id.
    """

    id: str | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """One LLM request that a gateway reported, checked and in one form; a field that was not reported is None.

    Exactly one of `key_hash` and `username` names the owner. Instants are UTC. `model` is the requested name,
    `provider_model` the model behind it, if the gateway reports both. `from_log` is True for a report from a log
    record; a trace may report the same id. `without_counts` is True if the source gives no numbers of tokens, for
    example for images, reranking, speech and aborted streams; all counts are 0 then. Otherwise both are None, never
    False, so that the body and the fingerprint of every other report stay the same as in earlier releases.

    `is_only_one` is True if several events with this id report one usage, for example polls of a batch; the first one
    counts. `fallback_names` are names or email addresses of the owner of the key, from the gateway's own record of
    the key; if the portal does not know the key, it uses the first name that it knows.
    """

    id: str
    model: str
    mode: str
    prompt_tokens: int
    completion_tokens: int
    key_hash: str | None = None
    username: str | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    status: str = "ok"
    requested_at: datetime | None = None
    latency_ms: int | None = None
    template: str | None = None
    cost_factor: Decimal | None = None
    session_id: str | None = None
    provider_model: str | None = None
    from_log: bool | None = None
    without_counts: bool | None = None
    is_only_one: bool | None = None
    fallback_names: tuple[str, ...] | None = None

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.prompt_tokens + self.completion_tokens

    def body(self) -> str:
        """Return the report as canonical JSON, to store and to compare; it contains digests of secrets only."""
        payload: dict[str, object] = {
            name: value for name, value in zip(_FIELDS, _values(self), strict=True) if value is not None
        }
        if self.requested_at is not None:
            payload["requested_at"] = self.requested_at.astimezone(UTC).isoformat(timespec="microseconds")
        if self.cost_factor is not None:
            payload["cost_factor"] = f"{self.cost_factor.normalize():f}"
        return _CANONICAL(payload)

    @classmethod
    def of_body(cls, text: str) -> "UsageReport":
        """Return the report that was stored as this body."""
        values = json.loads(text)
        for name, read in _READERS.items():
            if name in values:
                values[name] = read(values[name])
        return cls(**values)

    def request(self) -> dict[str, Any]:
        """Return the values of the `REQUEST_FIELDS`, by name."""
        return dict(zip(REQUEST_FIELDS, _request_values(self), strict=True))

    def fingerprint(self) -> str:
        """Return a digest of the report in 64 characters; `is_repeated` compares two of the same id.

        Two reports with one id conflict if they differ in any field except those `NOT_COMPARED`. The digest of a report
        that `is_only_one` of its id is made of the id alone.
        """
        if self.is_only_one:
            return hashlib.sha256(self.id.encode()).hexdigest()
        others: dict[str, Any] = dict.fromkeys(NOT_COMPARED)
        compared = self if _values_not_compared(self) == tuple(others.values()) else replace(self, **others)
        mark = hashlib.sha256(compared.body().encode()).hexdigest()
        return f"{_LOG}{mark}"[: len(mark)] if self.from_log else mark


_LOG = "log:"


def is_repeated(fingerprint: str, other: str) -> bool:
    """Return whether two reports with the same id are about the same request, from their fingerprints.

    They are if the fingerprints are equal, or if only one report is from a log record: some programs send a span and a
    log record of each request, with different times and details.
    """
    return fingerprint == other or fingerprint.startswith(_LOG) != other.startswith(_LOG)


Entry = UsageReport | Replay | Rejected
"""The results of an adapter for one event."""

REQUEST_FIELDS = (
    *("session_id", "model", "provider_model", "mode", "template", "status", "latency_ms"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"),
)
"""The fields that a stored event copies from its report."""
NOT_COMPARED = ("fallback_names", "without_counts")
"""Fields in which reports may differ without a conflict: earlier releases did not read them from the same event."""
_FIELDS = sorted(f.name for f in fields(UsageReport))
_READERS: dict[str, Callable[[Any], Any]] = {
    "requested_at": parse_instant,
    "cost_factor": Decimal,
    "fallback_names": tuple,
}
_values = attrgetter(*_FIELDS)
_request_values = attrgetter(*REQUEST_FIELDS)
_values_not_compared = attrgetter(*NOT_COMPARED)
_CANONICAL = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode
