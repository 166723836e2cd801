"""Reads JSON strictly, so that the portal and the sender understand the same.

Source: RFC 8259, with its recommendations as rules (UTF-8 only, unique names), since parsers treat unclear JSON
differently: some take the first of two equal names and some the last, and some read a large number as infinity.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice

LONGEST_NUMBER = 40
"""Most characters of a number; converting thousands of digits takes quadratic time."""
LARGEST_EXPONENT = 300
MOST_VALUES = 100_000
"""Most commas and opening brackets of a document; reading millions of small values would take seconds."""

_SPACE = re.compile(r"[ \t\n\r]*")
_LINE = re.compile(rb"\S[^\n]*")
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BROKEN_TEXT = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(ValueError):
    """The text is not JSON, or JSON that parsers read differently; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Replaces a value of a batch that is refused, so that the other values are accepted."""

    reason: str


def read_json(body: bytes) -> object:
    """Return the one value of a JSON document: dict, list, str, int, Decimal, bool or None. Raises MalformedJson."""
    value = _Reader().document(decode(body))
    if isinstance(value, Flaw):
        raise MalformedJson(value.reason)
    return value


def read_items(body: bytes) -> Iterator[object]:
    """Yield the items of a JSON array one by one; a refused item is a Flaw.

    Raises MalformedJson if the array itself is malformed. If the caller stops early, the rest is not read.
    """
    text, reader = decode(body), _Reader()
    at = _skip(text, _skip(text, 0) + 1)
    more = text[at : at + 1] != "]"
    while more:
        item, at = reader.value(text, at)
        yield item
        at = _skip(text, at)
        more = text[at : at + 1] == ","
        if more:
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise MalformedJson("The array does not end, or a comma is missing in it.")
    _expect_end(text, at + 1)


def split_lines(body: bytes, most: int) -> list[bytes]:
    """Return the lines of NDJSON that are not blank, not parsed; at most `most` + 1, which shows there are too many."""
    return [line.group() for line in islice(_LINE.finditer(body), most + 1)]


def read_lines(lines: Iterable[bytes], longest: int) -> Iterator[object]:
    """Yield the value of each line of NDJSON; a refused line is a Flaw. `longest` is in bytes."""
    reader = _Reader()
    for line in lines:
        if len(line) > longest:
            yield Flaw(f"A line has at most {longest:,} bytes.")
            continue
        try:
            yield reader.document(decode(line))
        except MalformedJson as error:
            yield Flaw(str(error))


def decode(body: bytes) -> str:
    """Return the text of a body, which is UTF-8 without a byte order mark. Raises MalformedJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("The text is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedJson("The text begins with a byte order mark; leave it out.")
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise MalformedJson("There are too many values.")
    return text


class _Reader:
    """A decoder that also finds values that are JSON but refused; used by one thread at a time."""

    def __init__(self) -> None:
        self._flaws: list[Flaw] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._fraction,
            parse_constant=lambda name: self._note(f"{name} is not JSON."),
        )

    def document(self, text: str) -> object:
        """Return the one value of a text, or a Flaw. Raises MalformedJson."""
        value, end = self.value(text, _skip(text, 0))
        _expect_end(text, end)
        return value

    def value(self, text: str, at: int) -> tuple[object, int]:
        """Return the value that begins at `at`, or a Flaw, and the position of its end. Raises MalformedJson."""
        self._flaws.clear()
        try:
            value, end = self._decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise MalformedJson(f"This is not JSON: line {error.lineno}, column {error.colno}.") from None
        except RecursionError:
            raise MalformedJson("The JSON is nested too deeply.") from None
        if _SUSPECT.search(text, at, end) and _has_broken_text(value):
            self._note("A text contains the NUL character or half a character (a lone surrogate).")
        return (self._flaws[0] if self._flaws else value), end

    def _note(self, reason: str) -> Flaw:
        self._flaws.append(Flaw(reason))
        return self._flaws[-1]

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self._note("An object names a field twice.")
        return members

    def _integer(self, digits: str) -> int | Flaw:
        return int(digits) if len(digits) <= LONGEST_NUMBER else self._note("A number has too many digits.")

    def _fraction(self, digits: str) -> Decimal | Flaw:
        if len(digits) > LONGEST_NUMBER:
            return self._note("A number has too many digits.")
        try:
            number = Decimal(digits)
        except InvalidOperation:  # the exponent is too large for Decimal
            return self._note("A number is too large or too small.")
        is_usual = abs(number.adjusted()) <= LARGEST_EXPONENT
        return number if is_usual else self._note("A number is too large or too small.")


def _has_broken_text(value: object) -> bool:
    """Return whether a value contains NUL or half a character (a lone surrogate)."""
    todo = [value]
    while todo:
        match todo.pop():
            case str() as text if _BROKEN_TEXT.search(text):
                return True
            case dict() as members:
                todo += [*members.keys(), *members.values()]
            case list() as items:
                todo += items
    return False


def _skip(text: str, at: int) -> int:
    """Return the position after the white space that begins at `at`."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _expect_end(text: str, at: int) -> None:
    if _skip(text, at) != len(text):
        raise MalformedJson("There is something after the end of the JSON.")
