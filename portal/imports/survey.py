"""Survey the cells of all columns of a file, before anything is stored.

Decision: the whole file is read, not only its first rows. A notation is certain only if no cell contradicts it, and a
column with numbers of requests may begin with a thousand ones.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.gateways.lenient_values import UnclearValue, as_digits
from portal.imports.cells import MOST_COLUMNS, as_instant, as_number, cell, column_names, has_value, in_utc
from portal.imports.files.content import Row
from portal.imports.notations import Marks, Order, has_clock, instants_in, numbers_in
from portal.rules.strict_json import Flaw

_TIMES = frozenset({"date", "time", "datetime", "timestamp", "day", "at", "when", "start", "started", "created"})
_AHEAD = timedelta(days=1)
"""How far a day may be in the future, since its time zone is not known."""
_LATEST_NEW_COLUMN = 100_000
"""Rows of JSON that are searched for new columns."""


@dataclass(slots=True)
class ColumnSurvey:
    """Figures about the cells of a column, without empty cells and unreadable rows.

    `numbers` is the number of cells that are a number in some notation, `texts` the number of others. `whole_in` are
    the decimal marks with which all numbers are whole, `largest` has the largest number for each mark, `largest_plain`
    is the largest number without marks. `is_marked` is whether the notation changes any number. `orders` are the orders
    in which all days can be read; None if no day needs an order. `days` is the number of days without a time, `clocks`
    of times without an offset in the form of programs, `wall_clocks` of such times in the form of people.
    """

    numbers: int = 0
    texts: int = 0
    whole_in: set[Marks] = field(default_factory=lambda: set(Marks))
    largest: dict[Marks, Decimal] = field(default_factory=lambda: dict.fromkeys(Marks, Decimal(0)))
    largest_plain: int = 0
    is_marked: bool = False
    orders: set[Order] | None = None
    days: int = 0
    clocks: int = 0
    wall_clocks: int = 0

    @property
    def is_numeric(self) -> bool:
        """Whether most cells are numbers."""
        return self.numbers > self.texts

    def add(self, value: object, latest: datetime) -> None:
        """Add a cell that has a value."""
        if plain := _plain_number(value):
            self.numbers += 1
            self.largest_plain = max(self.largest_plain, plain)
            return
        readings = _numbers(value)
        if readings:
            self.numbers += 1
            self._add_number(readings)
        else:
            self.texts += 1
            self._add_instant(value, latest)

    def _add_number(self, readings: Mapping[Marks, Decimal]) -> None:
        self.is_marked = self.is_marked or len(set(readings.values())) > 1 or len(readings) < len(Marks)
        for marks in Marks:
            found = readings.get(marks)
            if found is None or found != found.to_integral_value():
                self.whole_in.discard(marks)
            if found is not None:
                self.largest[marks] = max(self.largest[marks], found)

    def _add_instant(self, value: object, latest: datetime) -> None:
        meant = instants_in(value, None) if isinstance(value, str) else {}
        possible = {order for order, at in meant.items() if in_utc(at) <= latest}
        if possible - {Order.YEAR_FIRST}:
            self.orders = possible if self.orders is None else self.orders & possible
        instant = as_instant(value) or next(iter(meant.values()), None)
        if instant is None:
            return
        self.days += not has_clock(value) if isinstance(value, str) else not isinstance(value, datetime)
        if instant.tzinfo is None and meant and Order.YEAR_FIRST not in meant:
            self.wall_clocks += 1
        elif instant.tzinfo is None:
            self.clocks += 1


Survey = Mapping[str, ColumnSurvey | None]
"""All columns of a file in order, with those of objects in its cells; None for a column that is not surveyed."""


def survey_columns(columns: Iterable[str], rows: Iterable[Row | Flaw], named: Collection[str], now: datetime) -> Survey:
    """Return the survey of a file; `columns` are those of its first line or schema, `named` are always surveyed."""
    found: dict[str, ColumnSurvey | None] = {name: _column(name, named) for name in columns}
    objects: set[str] = set()
    latest = now + _AHEAD
    for place, row in enumerate(rows, 1):
        if isinstance(row, Flaw):
            continue
        if place <= _LATEST_NEW_COLUMN:
            _add_columns(found, objects, row, named)
        for name, column in found.items():
            if column is not None and has_value(value := cell(row, name) if "." in name else row.get(name)):
                column.add(value, latest)
    return found


def words(name: str) -> frozenset[str]:
    """Return the words of a column's name, the same for `Cache Read`, `cache_read` and `cacheRead`."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def looks_like_count(name: str) -> bool:
    """Return whether the name of a column is that of a token count."""
    found = words(name)
    is_about_tokens = bool(found & _ABOUT_TOKENS) or "token" in name.lower()
    return is_about_tokens and not found & _NO_COUNTS and not any("detail" in word for word in found)


def looks_like_requests(name: str) -> bool:
    """Return whether the name of a column is that of a number of requests."""
    found = words(name)
    return bool(found & _REQUESTS) and not found & (_NO_COUNTS | _OTHER_COUNTS)


def notation_of_numbers(columns: Iterable[ColumnSurvey]) -> tuple[Marks | None, bool]:
    """Return the decimal mark of the counts in some columns, and whether both marks are possible."""
    marked = [column for column in columns if column.is_marked]
    possible = set(Marks).intersection(*(column.whole_in for column in marked))
    return (next(iter(possible)), False) if marked and len(possible) == 1 else (None, bool(marked) and bool(possible))


def notation_of_days(column: ColumnSurvey | None) -> tuple[Order | None, bool]:
    """Return the order of the days in a column, and whether several orders are possible."""
    if column is None or column.orders is None:
        return None, False
    return (next(iter(column.orders)), False) if len(column.orders) == 1 else (None, True)


def _column(name: str, named: Collection[str]) -> ColumnSurvey | None:
    is_wanted = name in named or looks_like_count(name) or looks_like_requests(name) or bool(words(name) & _TIMES)
    return ColumnSurvey() if is_wanted or "timestamp" in name.lower() else None


def _add_columns(found: dict[str, ColumnSurvey | None], objects: set[str], row: Row, named: Collection[str]) -> None:
    for name, value in row.items():
        if name not in found:
            found[name] = _column(name, named)
        if value and (name in objects or _may_be_object(value)):
            objects.add(name)
            for inner in column_names({name: value}):
                if inner not in found and len(found) < MOST_COLUMNS:
                    found[inner] = _column(inner, named)


def _may_be_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, (str, bytes)) and value[:1] in {"{", b"{"})


def _plain_number(value: object) -> int:
    """Return a number above 0 that has digits only; 0 for other values."""
    return value if type(value) is int else as_digits(value) or 0


def _numbers(value: object) -> dict[Marks, Decimal]:
    """Return the possible numbers in a cell, by decimal mark; an instant is not a number."""
    if isinstance(value, str):
        return numbers_in(value)
    if isinstance(value, (date, dict, list)):
        return {}
    try:
        return dict.fromkeys(Marks, as_number(value, ""))
    except UnclearValue:
        return {}


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ABOUT_TOKENS = frozenset(
    {
        *("token", "tokens", "input", "output", "prompt", "completion", "reasoning", "thinking", "thoughts"),
        *("cache", "cached", "cacheread", "cachewrite"),
    }
)
_NO_COUNTS = frozenset(
    {
        *("cost", "costs", "price", "spend", "usd", "eur", "dollars", "credit", "credits", "fee", "amount", "charge"),
        *("id", "ids", "name", "hash", "key", "type", "kind", "status", "version", "index", "url", "text", "content"),
        *("limit", "limits", "remaining", "left", "max", "maximum", "min", "quota", "budget", "allowed", "window"),
        *("rate", "per", "ratio", "percent", "pct", "factor", "multiplier", "length", "bytes"),
        *("char", "chars", "character", "characters"),
        *("size", "ms", "seconds", "second", "duration", "latency", "time", "speed", "throughput"),
        *("temperature", "hit"),
        *("retry", "retries", "error", "errors", "failed", "failures"),
    }
)
_REQUESTS = frozenset({"requests", "calls", "count", "counts", "generations", "invocations", "occurrences"})
_OTHER_COUNTS = frozenset(
    {
        *("token", "tokens", "prompt", "completion", "input", "output", "cache", "cached", "reasoning"),
        *("tool", "tools"),
        *("search", "searches", "message", "messages", "turn", "turns", "image", "images", "word", "words", "user"),
        *("users", "file", "files", "function", "functions", "server", "web", "choice", "choices", "session"),
        *("line", "lines", "models", "step", "steps", "page", "pages", "media"),
    }
)
