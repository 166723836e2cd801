"""Find the rows in the answer of an API: a page of rows, buckets of time, and sums by model.

A page is an object without a model, with a list of objects under one of the names below. Its other members are about
the page; in a bucket of time, and beside an object `data`, they are about each of the rows, and are copied into them.
Sums of the rows are not copied.

Sources: the references of the APIs of OpenAI, Anthropic, LiteLLM, OpenRouter, Vercel, New-API and Cursor; ccusage.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from portal.gateways.lenient_values import mapping
from portal.imports.files.content import Row
from portal.rules.strict_json import Flaw

_LISTS = ("data", "results", "rows", "records", "items", "usageEvents", "daily", "weekly", "monthly", "sessions")
_PARTS = ("model_breakdown", "modelBreakdowns")
_TIMES = {"start_time", "starting_at", "date", "day"}


def rows_of(value: Any, depth: int = 8) -> Iterator[Row | Flaw]:
    """Yield the rows of a page, also of nested pages up to a depth; any other object is one row."""
    if not isinstance(value, dict):
        yield Flaw("A row is a JSON object.")
    elif not depth or not value.keys().isdisjoint({"model", "usage"}):
        yield value
    elif isinstance(data := value.get("data"), dict):
        rows = [*rows_of(data, depth - 1)]
        yield from _with(_about_each(value, "data") if rows == [data] else {}, rows)
    elif models := mapping(mapping(value, "breakdown"), "models"):
        yield from _by_model(value, models)
    elif name := next((name for name in (*_LISTS, *_PARTS) if _is_list_of_rows(value.get(name))), ""):
        is_bucket = name in _PARTS or not _TIMES.isdisjoint(value)
        shared = _about_each(value, name) if is_bucket else {}
        for item in value[name]:
            yield from _with(shared, rows_of(item, depth - 1))
    else:
        yield value


def _with(shared: Row, rows: Iterable[Row | Flaw]) -> Iterator[Row | Flaw]:
    for row in rows:
        yield {**shared, **row} if isinstance(row, dict) else row


def _about_each(bucket: Row, name: str) -> Row:
    return {other: value for other, value in bucket.items() if other != name and "token" not in other.lower()}


def _by_model(day: Row, models: Row) -> Iterator[Row]:
    """Yield the sums of each model in a day of LiteLLM's activity, by key if it has keys."""
    for model in models:
        sums = mapping(models, model)
        keys = mapping(sums, "api_key_breakdown")
        parts = [{"api_key": key, **mapping(mapping(keys, key), "metrics")} for key in keys]
        for part in parts or [mapping(sums, "metrics")]:
            yield {"date": day.get("date"), "model": model, **part}


def _is_list_of_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
