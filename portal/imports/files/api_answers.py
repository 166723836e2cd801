"""Rows of what an API answers: a page of them, buckets of time in it, and sums that are given by model.

A page is an object without a model of its own, with a list of objects under one of the names below. What is beside the
list is about the page; of a bucket and of an answer in `data`, what is beside it is about each of its rows. Sums of the
rows are about none.

Sources: the references of the APIs of OpenAI, Anthropic, LiteLLM, OpenRouter, Vercel, New-API and Cursor; ccusage.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from portal.gateways.lenient_values import mapping
from portal.rules.strict_json import Flaw

Row = dict[str, Any]

_LISTS = ("data", "results", "rows", "records", "items", "usageEvents", "daily", "weekly", "monthly", "sessions")
_PARTS = ("model_breakdown", "modelBreakdowns")
_TIMES = {"start_time", "starting_at", "date", "day"}


def rows_of(value: Any, depth: int = 8) -> Iterator[Row | Flaw]:
    """Yield the rows of a value: those of a page, or the one that it is; pages are in one another up to a depth."""
    if not isinstance(value, dict):
        yield Flaw("A row is a JSON object.")
    elif not depth or not value.keys().isdisjoint({"model", "usage"}):
        yield value
    elif isinstance(said := value.get("data"), dict):
        rows = [*rows_of(said, depth - 1)]
        yield from _with(_about_each(value, "data") if rows == [said] else {}, rows)
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
    return {other: said for other, said in bucket.items() if other != name and "token" not in other.lower()}


def _by_model(day: Row, models: Row) -> Iterator[Row]:
    """Yield what a day of LiteLLM's activity says of each model, and of each key where it does."""
    for model in models:
        said = mapping(models, model)
        keys = mapping(said, "api_key_breakdown")
        parts = [{"api_key": key, **mapping(mapping(keys, key), "metrics")} for key in keys]
        for part in parts or [mapping(said, "metrics")]:
            yield {"date": day.get("date"), "model": model, **part}


def _is_list_of_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
