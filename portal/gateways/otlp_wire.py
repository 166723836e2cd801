"""OTLP: the items of an export request, in protobuf or JSON, each with a few attributes.

Traces, logs and metrics have the same shape: groups of a resource, scopes in them, and items in those: spans, log
records, metrics. Source: the OpenTelemetry protocol 1.10 (opentelemetry.io/docs/specs/otlp) and its messages,
`opentelemetry.proto`. Field numbers here are those of its .proto files.

Decision: requests carry prompts and answers of any size, which nobody needs here, and a body with a message in every
two bytes would become gigabytes of objects. So protobuf is walked from field to field, nothing is made of what is
passed over, and the generated classes read the wanted attributes alone. JSON has to be decoded as a whole: its tokens
are counted first, then it is read by hand, since protobuf's own reader does not take OTLP's JSON (ids are hexadecimal,
unknown fields are allowed).
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from portal.errors import PortalError, TooLarge

MOST_ITEMS = 10_000
"""Spans, log records or metrics of a request; SDKs send 512 at once, collectors 8,192."""
MOST_FIELDS = 2_000_000
"""Fields of a body in protobuf that are walked; more would take seconds."""
MOST_TOKENS = 3_000_000
"""Texts, lists, objects and commas of a body in JSON; more would take seconds, and hundreds of megabytes."""
LONGEST_ATTRIBUTE = 4_096
"""Bytes of an attribute, characters of one in JSON; of a longer one that is wanted, only that it is there is read."""

Value = str | int | float
Attributes = Mapping[str, Value]
Place = tuple[int, int]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attributes are read: those with one of the names, and those whose names begin with one of the prefixes.

    Of `truths`, which are among the names, true and false are read as those words; elsewhere they are no value.
    """

    names: Collection[str]
    prefixes: tuple[str, ...] = ()
    truths: Collection[str] = ()

    def __contains__(self, name: str) -> bool:
        """Say whether an attribute is read."""
        return name in self.names or name.startswith(self.prefixes)


class Broken(ValueError):
    """The body is not of the type that its request names."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of export request: the plural of its items for people, and the names of its lists in JSON."""

    items: str
    resources: str
    scopes: str
    members: str


TRACES = Signal("spans", "resourceSpans", "scopeSpans", "spans")
LOGS = Signal("log records", "resourceLogs", "scopeLogs", "logRecords")
METRICS = Signal("metrics", "resourceMetrics", "scopeMetrics", "metrics")


def limited(signal: Signal, items: Iterator[Item], *, is_json: bool) -> Iterator[Item]:
    """Yield the items of a request. Raises PortalError for a body that is no such request, TooLarge for too many."""
    try:
        for number, item in enumerate(items):
            if number == MOST_ITEMS:
                raise TooLarge(f"A request has at most {MOST_ITEMS:,} {signal.items}.")
            yield item
    except Broken:
        raise PortalError(f"The body is no OTLP request in {'JSON' if is_json else 'protobuf'}.") from None


VARINT, FIXED64, BYTES = 0, 1, 2
"""How a field is written (source: protobuf.dev/programming-guides/encoding); groups have never been in OTLP."""
_FIXED = {FIXED64: 8, 5: 4}
_GROUP = 20


class Walk:
    """Goes through the bytes of an export request, whose items are field 2 of field 2 of field 1."""

    def __init__(self, body: bytes, wanted: Wanted) -> None:
        """Start at the beginning."""
        self.body = body
        self._names = {name.encode() for name in wanted.names}
        self._prefixes = tuple(prefix.encode() for prefix in wanted.prefixes)
        self._truths = wanted.truths
        self._left = MOST_FIELDS

    def items(self, read: Callable[[Place, Attributes], Item]) -> Iterator[Item]:
        """Yield what `read` makes of each item, given its place and its resource's attributes.

        Raises Broken and TooLarge.
        """
        for group in self._groups((0, len(self.body)), 1):
            about: dict[str, Value] = {}
            for resource in self._messages(group, 1):
                self._read_resource(resource, about)
            for scope in self._groups(group, 2):
                for item in self._messages(scope, 2):
                    yield read(item, about)

    def _read_resource(self, place: Place, about: dict[str, Value]) -> None:
        try:
            for attribute in self._messages(place, 1):
                self.read_attribute(attribute, about)
        except DecodeError:
            raise Broken from None

    def read_attribute(self, place: Place, said: dict[str, Value]) -> None:
        """Note the value of an attribute, if it is wanted. Raises DecodeError."""
        at, end = place
        key = self._key(place)
        if key not in self._names and not key.startswith(self._prefixes):
            return
        if end - at > LONGEST_ATTRIBUTE:
            said[key.decode("utf-8", "replace")] = ""
            return
        attribute = KeyValue.FromString(self.body[at:end])
        kind, name = attribute.value.WhichOneof("value"), key.decode("utf-8", "replace")
        if kind in {"string_value", "int_value", "double_value"}:
            said[name] = getattr(attribute.value, kind)
        elif kind == "bool_value" and name in self._truths:
            said[name] = "true" if attribute.value.bool_value else "false"
        elif kind is not None:
            said[name] = ""

    def _key(self, attribute: Place) -> bytes:
        for number, kind, at, end in self.fields(attribute):
            if (number, kind) == (1, BYTES):
                return self.body[at:end]
        return b""

    def _groups(self, place: Place, wanted: int) -> Iterator[Place]:
        """Yield the same as `_messages`, of messages that take as long to go into as many fields to pass over."""
        for message in self._messages(place, wanted):
            self._left -= _GROUP
            yield message

    def _messages(self, place: Place, wanted: int) -> Iterator[Place]:
        """Yield where the values of a field are, in the message at a place."""
        return ((at, end) for number, kind, at, end in self.fields(place) if (number, kind) == (wanted, BYTES))

    def fields(self, place: Place) -> Iterator[tuple[int, int, int, int]]:
        """Yield the fields of the message at a place: number, how it is written, where its value is."""
        (at, end), body = place, self.body
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"A request has at most {MOST_FIELDS:,} fields.")
            tag, at = (body[at], at + 1) if body[at] < 128 else self._varint(at)
            kind, stop = tag & 7, at
            if kind == BYTES:
                length, at = (body[at], at + 1) if at < end and body[at] < 128 else self._varint(at)
                stop = at + length
            elif kind == VARINT:
                _, stop = self._varint(at)
            elif kind in _FIXED:
                stop = at + _FIXED[kind]
            else:
                raise Broken
            if stop > end or tag < 8:
                raise Broken
            yield tag >> 3, kind, at, stop
            at = stop

    def _varint(self, at: int) -> tuple[int, int]:
        """Return the number that is written at a place, and where it ends."""
        number, body = 0, self.body
        for shift in range(0, 70, 7):
            if at == len(body):
                break
            byte = body[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number, at
        raise Broken


def hexadecimal(said: bytes, length: int) -> str:
    """Return an id of so many bytes in lower-case hexadecimal; "" for an improper one."""
    return said.hex() if len(said) == length and any(said) else ""


_COUNTED = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{,]', re.DOTALL)
TRACE_ID, SPAN_ID = re.compile("[0-9a-fA-F]{32}"), re.compile("[0-9a-fA-F]{16}")


def json_items(body: bytes, wanted: Wanted, signal: Signal, read: Callable[[Any, Attributes], Item]) -> Iterator[Item]:
    """Yield what `read` makes of each item of a body in JSON, given its resource's attributes.

    Raises Broken and TooLarge.
    """
    for number, _ in enumerate(_COUNTED.finditer(body)):
        if number == MOST_TOKENS:
            raise TooLarge(f"A request has at most {MOST_TOKENS:,} texts, lists, objects and commas.")
    try:
        request = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"), parse_int=_integer)
    except (ValueError, RecursionError):
        raise Broken from None
    for group in _members(request, signal.resources):
        resource = group.get("resource") if isinstance(group, dict) else None
        about = json_attributes(resource, wanted)
        for scope in _members(group, signal.scopes):
            for item in _members(scope, signal.members):
                yield read(item, about)


def _integer(digits: str) -> int | str:
    """Return a whole number; one that nobody can mean stays a text, since converting it takes quadratic time."""
    return int(digits) if len(digits) <= 20 else digits[:20]


def _members(parent: Any, name: str) -> list[Any]:
    """Return a list of messages, which is empty if it is not said. Raises Broken."""
    found = parent.get(name) if isinstance(parent, dict) else False
    if not isinstance(found, list | None):
        raise Broken
    return found or []


def json_attributes(message: Any, wanted: Wanted) -> dict[str, Value]:
    """Return the wanted attributes of a message in JSON."""
    attributes = message.get("attributes") if isinstance(message, dict) else None
    said: dict[str, Value] = {}
    plain: Any
    for attribute in attributes if isinstance(attributes, list) else ():
        key, value = (attribute.get("key"), attribute.get("value")) if isinstance(attribute, dict) else (None, None)
        if isinstance(key, str) and key in wanted and value:
            kinds = value if isinstance(value, dict) else {}
            plain = next((kinds[kind] for kind in ("stringValue", "intValue", "doubleValue") if kind in kinds), "")
            is_plain = type(plain) in {int, float} or (isinstance(plain, str) and len(plain) <= LONGEST_ATTRIBUTE)
            said[key] = plain if is_plain else ""
            if key in wanted.truths and type(kinds.get("boolValue")) is bool:
                said[key] = "true" if kinds["boolValue"] else "false"
    return said


def json_id(said: Any, shape: re.Pattern[str]) -> str:
    """Return an id of a message in JSON, in lower case; "" for an improper one."""
    is_proper = isinstance(said, str) and shape.fullmatch(said) and said.strip("0")
    return said.lower() if is_proper else ""


def nanoseconds(said: Any) -> int:
    """Return an instant, which is a number or a text of digits; 0 for anything else."""
    if isinstance(said, str) and len(said) <= 20 and said.isascii() and said.isdecimal():
        said = int(said)
    return said if type(said) is int and 0 <= said < 2**64 else 0
