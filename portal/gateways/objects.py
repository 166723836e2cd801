"""The objects in a body of JSON, with those of their members that are kept; everything else is passed over unread.

Decision: bodies of gateways carry prompts and answers of any size, which are none of our business. So they are never
decoded, nothing is made of them, and each byte is passed over once, whatever is broken or nested in them.
"""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from portal.errors import TooLarge
from portal.gateways.values import Unclear

LONGEST_MEMBER = 2_000_000
"""Bytes of a member of an object that is read; the counts and names are in a few thousand."""
MOST_TOKENS = 2_000_000
"""Brackets and texts of a body; passing over more would take seconds."""

_TEXT = rb'"(?:[^"\\\n]++|\\[^\n])*+(?:"|\\?(?=\n|\Z))'
_BETWEEN = re.compile(rb"(?:[\s,\[\]]|\xef\xbb\xbf)*+")
_OTHER = re.compile(_TEXT + rb'|[^\s,\[\]{"]++')
_TOKEN = re.compile(_TEXT + rb"|[{}\[\]]")
_TOKEN_OR_NEXT = re.compile(_TOKEN.pattern + rb"|\n(?=\{)")
_SPACE = re.compile(rb"\s*+")
_KEY = re.compile(_TEXT + rb"\s*+:\s*+")
_SCALAR = re.compile(_TEXT + rb"|[^\s,{}\[\]]++")


def objects(body: bytes) -> Iterator[bytes | None]:
    """Yield the text of each object of a body, whether it is in an array or not; None for everything else.

    Each byte is passed over once. Raises TooLarge.
    """
    skip, at = _Skip(body, _TOKEN_OR_NEXT), 0
    while (at := _end(_BETWEEN, body, at)) < len(body):
        start = at
        if body.startswith(b"{", at):
            at, is_whole = skip.brackets(at)
            yield body[start:at] if is_whole else None
        else:
            at = _end(_OTHER, body, at)
            yield None


class _Skip:
    """Passes over the brackets of a text, without reading what is in them."""

    def __init__(self, text: bytes, tokens: re.Pattern[bytes]) -> None:
        self._text = text
        self._tokens = tokens
        self._left = MOST_TOKENS

    def brackets(self, at: int) -> tuple[int, bool]:
        """Return where what opens at `at` closes, and that it does; else where the next object begins, or the end.

        Where lines matter, an object that begins one is the next of NDJSON, and the one before it ended too early.
        """
        depth = 0
        for token in self._tokens.finditer(self._text, at):
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"A batch has at most {MOST_TOKENS:,} texts, lists and objects.")
            found = token[0]
            if found == b"\n":
                return token.end(), False
            depth += (found in {b"{", b"["}) - (found in {b"}", b"]"})
            if depth == 0:
                return token.end(), True
        return len(self._text), False


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return where the match at `at` ends; `at` itself without one."""
    found = pattern.match(text, at)
    return found.end() if found else at


def members(text: bytes, kept: Collection[str]) -> dict[str, Any]:
    """Return the members of an object that are kept; the others are passed over.

    Raises Unclear for what is not one JSON object, and TooLarge.
    """
    if not text.startswith(b"{"):
        raise Unclear("This is no JSON object.")
    found, skip, at = {}, _Skip(text, _TOKEN), _end(_SPACE, text, 1)
    while not text.startswith(b"}", at):
        start = _end(_KEY, text, at)
        end = skip.brackets(start)[0] if text[start : start + 1] in {b"{", b"["} else _end(_SCALAR, text, start)
        if not at < start < end:
            raise Unclear("This is not JSON.")
        name = text[at:start].rstrip(b" \t\r\n:").strip(b'"').decode("ascii", "replace")
        if name in kept:
            found[name] = _value(name, text[start:end])
        at = _end(_SPACE, text, end)
        if text.startswith(b",", at):
            at = _end(_SPACE, text, at + 1)
        elif not text.startswith(b"}", at):
            raise Unclear("This is not JSON.")
    if _end(_SPACE, text, at + 1) != len(text):
        raise Unclear("Something follows the JSON object.")
    return found


def _value(name: str, text: bytes) -> Any:
    if len(text) > LONGEST_MEMBER:
        raise Unclear(f"{name} is longer than {LONGEST_MEMBER:,} bytes.")
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):  # ValueError: also a number of thousands of digits
        raise Unclear(f"{name} cannot be read.") from None
