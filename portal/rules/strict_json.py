"""Reading JSON so strictly that what arrives is what was meant.

Source: RFC 8259, with its recommendations as rules (UTF-8 only, names unique), since every parser resolves doubt in
its own way: the last of two equal names wins here and the first one there, and a number grows into infinity.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

LONGEST_NUMBER = 40
"""Characters of a number; converting thousands of digits takes quadratic time."""
LARGEST_EXPONENT = 300

_SPACE = re.compile(r"[ \t\n\r]*")
_BROKEN_TEXT = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(ValueError):
    """The text is not JSON, or is JSON of which parsers make different things; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where a value cannot be taken, so that the rest of a batch can."""

    reason: str


def read_json(body: bytes) -> object:
    """Return the one value of a JSON document: dict, list, str, int, Decimal, bool or None. Raises MalformedJson."""
    text = decode(body)
    value, end = _scan(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise MalformedJson("There is something after the end of the JSON.")
    if isinstance(value, Flaw):
        raise MalformedJson(value.reason)
    return value


def read_items(text: str) -> Iterator[object]:
    """Yield the items of a JSON array one by one; an item that cannot be taken is a Flaw.

    Raises MalformedJson when the array itself is broken. Stopping early leaves the rest unread.
    """
    at = _skip(text, _skip(text, 0) + 1)
    more = text[at : at + 1] != "]"
    while more:
        item, at = _scan(text, at)
        yield item
        at = _skip(text, at)
        more = text[at : at + 1] == ","
        if more:
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise MalformedJson("The array does not end, or a comma is missing in it.")
    if _skip(text, at + 1) != len(text):
        raise MalformedJson("There is something after the end of the JSON.")


def decode(body: bytes) -> str:
    """Return the text of a body, which is UTF-8 without a byte order mark. Raises MalformedJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("The text is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedJson("The text begins with a byte order mark; leave it out.")
    return text


def _scan(text: str, at: int) -> tuple[object, int]:
    """Return the value that begins at `at`, or a Flaw for one that is well-formed but cannot be taken, and its end."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"This is not JSON: line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise MalformedJson("The JSON is nested too deeply.") from None
    return _flaw(value) or value, end


def _flaw(value: object) -> Flaw | None:
    """Return the first thing in a value that cannot be taken."""
    todo = [value]
    while todo:
        match todo.pop():
            case Flaw() as flaw:
                return flaw
            case str() as text if _BROKEN_TEXT.search(text):
                return Flaw("A text contains the NUL character or half a character (a lone surrogate).")
            case dict() as members:
                todo += members.keys()
                todo += members.values()
            case list() as items:
                todo += items
    return None


def _object(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Flaw("An object names a field twice.")


def _integer(digits: str) -> object:
    return int(digits) if len(digits) <= LONGEST_NUMBER else Flaw("A number has too many digits.")


def _fraction(digits: str) -> object:
    if len(digits) > LONGEST_NUMBER:
        return Flaw("A number has too many digits.")
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond what decimals can hold
        return Flaw("A number is too large or too small.")
    return number if abs(number.adjusted()) <= LARGEST_EXPONENT else Flaw("A number is too large or too small.")


def _constant(name: str) -> Flaw:
    return Flaw(f"{name} is not JSON.")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
