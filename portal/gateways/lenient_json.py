"""Read the objects in a JSON body with the members to keep; everything else is skipped without decoding.

Decision: bodies of gateways have prompts, answers and metadata of any size, which are not needed here. They are never
decoded, and each byte is read a few times at most, even if the JSON is invalid or deeply nested. A kept member that is
much too long is cut or left out; no event is rejected for its size.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from portal.errors import TooLarge
from portal.gateways.lenient_values import UnclearValue

LONGEST_TEXT = 2_000_000
"""Bytes of a text that is kept; of a longer text the beginning and the digest are kept."""
LONGEST_LIST = 64_000
"""Bytes of a list or object that is kept; a longer one is left out, since decoding needs much memory."""
MOST_BRACKETS = 8_000_000
"""Brackets of a body that are read one by one (not those of small objects and lists); more would take seconds."""
_SMALL = 3
"""Levels of a small object or list."""

_TEXT = rb'"(?:[^"\\\n]++|\\[^\n])*+(?:"|\\?(?=\n|\Z))'
_BETWEEN = re.compile(rb"(?:[\s,\[\]]|\xef\xbb\xbf)*+")
_OTHER = re.compile(_TEXT + rb'|[^\s,\[\]{"]++')
_SPACE = re.compile(rb"\s*+")
_KEY = re.compile(_TEXT + rb"\s*+:\s*+")
_SCALAR = re.compile(_TEXT + rb"|[^\s,{}\[\]]++")


def _brackets(line: bytes) -> re.Pattern[bytes]:
    """Return a pattern that matches up to the next bracket, or the next end of a line that `line` does not match.

    The pattern also skips small objects and lists, with up to two levels inside, which is much faster. It reads a byte
    at most once for each of these levels.
    """
    plain = rb'[^{}\[\]"\n]++|' + _TEXT + rb"|" + line
    inside = plain
    for _ in range(_SMALL):
        inside = plain + rb"|\{(?:" + inside + rb")*+\}|\[(?:" + inside + rb")*+\]"
    return re.compile(rb"(?:" + inside + rb")*+([{}\[\]\n]|\Z)")


_NEXT_BRACKET = _brackets(rb"\n")
_NEXT_BRACKET_OR_OBJECT = _brackets(rb"\n(?!\{)")


class KeptMembers:
    """The names of members to keep; `inner` has the members that are objects, with the names to keep in each."""

    def __init__(self, *names: str, **inner: "KeptMembers") -> None:
        self._names = frozenset(names)
        self._inner = inner

    def value(self, name: str) -> bool:
        """Return whether the value of a member is kept."""
        return name in self._names

    def inner(self, name: str) -> "KeptMembers | None":
        """Return the names to keep in a member that is an object; None for any other member."""
        return self._inner.get(name)

    def read(self, text: bytes) -> dict[str, Any]:
        """Return the members of an object that are kept. Raises UnclearValue and TooLarge."""
        return members(text, self)


class OptionalMembers(KeptMembers):
    """The members to keep of an optional object, such as an answer; the object may be invalid."""

    def read(self, text: bytes) -> dict[str, Any]:
        """Return the kept members; an empty dictionary for an invalid object. Raises TooLarge."""
        try:
            return members(text, self)
        except UnclearValue:
            return {}


def objects(body: bytes) -> Iterator[bytes | None]:
    """Yield the text of each object of a body, in an array or not; None for any other value.

    Raises TooLarge.
    """
    skip, at = _Skip(body, _NEXT_BRACKET_OR_OBJECT), 0
    while (at := _end(_BETWEEN, body, at)) < len(body):
        start = at
        if body.startswith(b"{", at):
            at, is_whole = skip.brackets(at)
            yield body[start:at] if is_whole else None
        else:
            at = _end(_OTHER, body, at)
            yield None


class _Skip:
    """Skips brackets with their content, without decoding it."""

    def __init__(self, text: bytes, next_bracket: re.Pattern[bytes]) -> None:
        self._text = text
        self._next = next_bracket
        self._left = MOST_BRACKETS

    def brackets(self, at: int) -> tuple[int, bool]:
        """Return the end of the object or list that begins at `at`, and True.

        An object that is cut off returns False and the start of the next object of NDJSON, or the end of the text.
        """
        depth, at = 1, at + 1
        while found := self._next.match(self._text, at):
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"A batch has at most {MOST_BRACKETS:,} lists and objects in one another.")
            at, bracket = found.end(), found[1]
            if bracket in {b"\n", b""}:
                return at, False
            depth += 1 if bracket in {b"{", b"["} else -1
            if depth == 0:
                return at, True
        return len(self._text), False


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return the end of the match at `at`; `at` itself without a match."""
    found = pattern.match(text, at)
    return found.end() if found else at


def members(text: bytes, kept: KeptMembers) -> dict[str, Any]:
    """Return the kept members of an object.

    Raises UnclearValue for a text that is not one JSON object, and TooLarge.
    """
    if not text.startswith(b"{"):
        raise UnclearValue("This is no JSON object.")
    found, skip, at = {}, _Skip(text, _NEXT_BRACKET), _end(_SPACE, text, 1)
    while not text.startswith(b"}", at):
        start = _end(_KEY, text, at)
        end = skip.brackets(start)[0] if text[start : start + 1] in {b"{", b"["} else _end(_SCALAR, text, start)
        if not at < start < end:
            raise UnclearValue("This is not JSON.")
        name = text[at:start].rstrip(b" \t\r\n:").strip(b'"').decode("ascii", "replace")
        inner = kept.inner(name) if text.startswith(b"{", start) else None
        if inner is not None:
            found[name] = inner.read(text[start:end])
        elif kept.value(name):
            found[name] = _value(name, text[start:end])
        at = _end(_SPACE, text, end)
        if text.startswith(b",", at):
            at = _end(_SPACE, text, at + 1)
        elif not text.startswith(b"}", at):
            raise UnclearValue("This is not JSON.")
    if _end(_SPACE, text, at + 1) != len(text):
        raise UnclearValue("Something follows the JSON object.")
    return found


def _value(name: str, text: bytes) -> Any:
    if text.startswith(b'"'):
        if len(text) > LONGEST_TEXT:
            return _shortened(text)
    elif len(text) > LONGEST_LIST:
        return None
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):  # ValueError: also a number of thousands of digits
        raise UnclearValue(f"{name} cannot be read.") from None


def _shortened(text: bytes) -> str:
    """Return the beginning of a text and the digest of the whole text, so that different texts stay different."""
    beginning = text[1:1_000].partition(b"\\")[0].decode("utf-8", "ignore")
    return f"{beginning} {hashlib.sha256(text).hexdigest()}"
