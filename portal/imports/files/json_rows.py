"""Rows of JSON: objects on lines, in an array, or one after the other."""

import codecs
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from portal.imports.files.api_answers import rows_of
from portal.imports.files.content import LONGEST_LINE, Row, UnreadableFile, content_lines
from portal.rules.strict_json import Flaw

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
