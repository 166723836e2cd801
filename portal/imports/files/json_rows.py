"""Rows of JSON: objects on lines, in an array, or one after the other; and the rows in the answer of an API.

The answer of an API is a page of rows, buckets of time, or sums by model. A page is an object without a model, with a
list of objects under one of the names below. Its other members are about the page; in a bucket of time, and beside an
object `data`, they are about each of the rows, and are copied into them. Sums of the rows are not copied.

Sources: the references of the APIs of OpenAI, Anthropic, LiteLLM, OpenRouter, Vercel, New-API and Cursor; ccusage.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from portal.gateways.lenient_values import mapping
from portal.imports.files.content import LONGEST_LINE, Row, UnreadableFile, content_lines
from portal.rules.strict_json import Flaw

_LISTS = ("data", "results", "rows", "records", "items", "usageEvents", "daily", "weekly", "monthly", "sessions")
_PARTS = ("model_breakdown", "modelBreakdowns")
_TIMES = {"start_time", "starting_at", "date", "day"}

_CHUNK = 2**20
_BETWEEN = re.compile(r"[\s,]*")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?')


def has_open_object(line: bytes) -> bool:
    """Return whether an object that begins on this line ends on a later line."""
    depth = sum((mark in b"{[") - (mark in b"}]") for mark in _STRINGS.sub(b"", line))
    return depth > 0 and not line.endswith(b"}")


def json_line_rows(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the rows of a file with one object per line."""
    for line in content_lines(text):
        if line.strip():
            try:
                value = json.loads(line.decode("utf-8", "surrogateescape"), parse_float=Decimal)
            except (ValueError, InvalidOperation, RecursionError):  # also a number of thousands of digits
                yield Flaw("This is no JSON, or it ends too early.")
            else:
                yield from rows_of(value)


def json_array_rows(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the rows of an array. Raises UnreadableFile at invalid JSON: the next item cannot be found then."""
    stream = _JsonStream(text)
    stream.skip_to("[")
    while not stream.is_at("]"):
        yield from rows_of(stream.value())


def json_document_rows(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the rows of a sequence of objects. Raises UnreadableFile at invalid JSON."""
    stream = _JsonStream(text)
    while not stream.is_at(""):
        yield from rows_of(stream.value())


class _JsonStream:
    """A sequence of JSON values with white space and commas between them, read when they are needed."""

    def __init__(self, text: IO[bytes]) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(parse_float=Decimal)
        self._codec = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._buffer, self._at = self._codec.decode(text.read(_CHUNK)), 0

    def skip_to(self, mark: str) -> None:
        """Move to the position after the next occurrence of a mark."""
        self._at = self._buffer.index(mark) + 1

    def is_at(self, mark: str) -> bool:
        """Return whether a mark is next; "" is the end."""
        found = _BETWEEN.match(self._buffer, self._at)
        self._at = found.end() if found else self._at
        is_end = self._at == len(self._buffer)
        if is_end and self._read():
            return self.is_at(mark)
        return is_end if not mark else self._buffer.startswith(mark, self._at)

    def value(self) -> Any:
        """Return the next value. Raises UnreadableFile."""
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._buffer, self._at)
            except (ValueError, InvalidOperation, RecursionError):  # usually because its rest is not read yet
                if len(self._buffer) - self._at > LONGEST_LINE or not self._read():
                    raise UnreadableFile("breaks off: the JSON is damaged or cut short.") from None
            else:
                return value

    def _read(self) -> bool:
        chunk = self._text.read(_CHUNK)
        self._buffer, self._at = self._buffer[self._at :] + self._codec.decode(chunk, final=not chunk), 0
        return bool(chunk)


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
