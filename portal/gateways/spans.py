"""OTLP: the spans of an export request, in protobuf or JSON, each with the few attributes that are wanted of it.

Source: the OpenTelemetry protocol 1.10 (opentelemetry.io/docs/specs/otlp) and its messages, `opentelemetry.proto`.

Decision: traces carry prompts and answers of any size, which are none of our business, and a body with a message in
every two bytes would become gigabytes of objects. So protobuf is walked from field to field, nothing is made of what is
passed over, and the generated classes read the wanted attributes alone. JSON has to be decoded as a whole: it is first
counted, then read by hand, as it is not what protobuf's own reader takes (ids are hexadecimal, unknown fields nothing).
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from portal.errors import PortalError, TooLarge
from portal.rules.usage import Rejected

MOST_SPANS = 10_000
"""Spans of a request; SDKs send 512 at once, collectors 8,192."""
MOST_FIELDS = 2_000_000
"""Fields of a body in protobuf that are walked; more would take seconds."""
MOST_TOKENS = 3_000_000
"""Texts, lists, objects and commas of a body in JSON; more would take seconds, and hundreds of megabytes."""
LONGEST_ATTRIBUTE = 4_096
"""Bytes of an attribute, characters of one in JSON; of a longer one that is wanted, only that it is there is read."""

Value = str | int | float
Attributes = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids in lower-case hexadecimal, "" where improper; instants in nanoseconds since 1970, 0 where not said.

    `said` is what it and its resource say of what is wanted; where both do, the span's word counts. What is neither a
    text nor a number stands there as "", so that it is not taken for something that was not said.
    """

    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    has_failed: bool
    said: Attributes


class _Broken(ValueError):
    """The body is not what its type says."""


_UNREADABLE = Rejected(None, "The span cannot be read.")


def read_spans(body: bytes, wanted: Collection[str], *, is_json: bool) -> Iterator[Span | Rejected]:
    """Yield the spans of an export request, in order; one that alone cannot be read is rejected.

    Raises PortalError for a body that is no such request, TooLarge for too many spans or too much beside them.
    """
    try:
        for number, span in enumerate(_json_spans(body, wanted) if is_json else _Walk(body, wanted).spans()):
            if number == MOST_SPANS:
                raise TooLarge(f"A request has at most {MOST_SPANS:,} spans.")
            yield span
    except _Broken:
        raise PortalError(f"The body is no OTLP request in {'JSON' if is_json else 'protobuf'}.") from None


_VARINT, _FIXED64, _BYTES = 0, 1, 2
"""How a field is written (source: protobuf.dev/programming-guides/encoding); groups have never been in OTLP."""
_FIXED = {_FIXED64: 8, 5: 4}
_GROUP = 20


class _Walk:
    """Goes through the bytes of an `ExportTraceServiceRequest`; numbers of fields are those of trace.proto."""

    def __init__(self, body: bytes, wanted: Collection[str]) -> None:
        self._body = body
        self._wanted = {name.encode() for name in wanted}
        self._left = MOST_FIELDS

    def spans(self) -> Iterator[Span | Rejected]:
        """Yield the spans. Raises _Broken and TooLarge."""
        for group in self._groups((0, len(self._body)), 1):
            about: dict[str, Value] = {}
            for resource in self._messages(group, 1):
                self._read_resource(resource, about)
            for scope in self._groups(group, 2):
                for span in self._messages(scope, 2):
                    yield self._span(span, about)

    def _read_resource(self, place: tuple[int, int], about: dict[str, Value]) -> None:
        try:
            for attribute in self._messages(place, 1):
                self._read_attribute(attribute, about)
        except DecodeError:
            raise _Broken from None

    def _span(self, place: tuple[int, int], about: Attributes) -> Span | Rejected:
        body, ids, instants, has_failed = self._body, {1: b"", 2: b"", 4: b""}, {7: 0, 8: 0}, False
        own: dict[str, Value] = {}
        try:
            for number, kind, at, end in self._fields(place):
                if kind == _BYTES and number == 9:
                    self._read_attribute((at, end), own)
                elif kind == _BYTES and number in ids:
                    ids[number] = body[at:end]
                elif kind == _FIXED64 and number in instants:
                    instants[number] = int.from_bytes(body[at:end], "little")
                elif kind == _BYTES and number == 15:
                    has_failed = self._is_error((at, end))
        except DecodeError:
            return _UNREADABLE
        trace_id, span_id, parent_id = _hex(ids[1], 16), _hex(ids[2], 8), _hex(ids[4], 8)
        return Span(trace_id, span_id, parent_id, instants[7], instants[8], has_failed, {**about, **own})

    def _is_error(self, status: tuple[int, int]) -> bool:
        codes = [self._body[at:end] for number, kind, at, end in self._fields(status) if (number, kind) == (3, _VARINT)]
        return bool(codes) and codes[-1] == b"\x02"

    def _read_attribute(self, place: tuple[int, int], said: dict[str, Value]) -> None:
        """Note what an attribute says, if it is wanted. Raises DecodeError."""
        at, end = place
        key = self._key(place)
        if key not in self._wanted:
            return
        if end - at > LONGEST_ATTRIBUTE:
            said[key.decode()] = ""
            return
        attribute = KeyValue.FromString(self._body[at:end])
        kind = attribute.value.WhichOneof("value")
        if kind is not None:
            is_plain = kind in {"string_value", "int_value", "double_value"}
            said[key.decode()] = getattr(attribute.value, kind) if is_plain else ""

    def _key(self, attribute: tuple[int, int]) -> bytes:
        for number, kind, at, end in self._fields(attribute):
            if (number, kind) == (1, _BYTES):
                return self._body[at:end]
        return b""

    def _groups(self, place: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
        """Yield the same as `_messages`, of messages that take as long to go into as many fields to pass over."""
        for message in self._messages(place, wanted):
            self._left -= _GROUP
            yield message

    def _messages(self, place: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
        """Yield where the values of a field are, in the message at a place."""
        return ((at, end) for number, kind, at, end in self._fields(place) if (number, kind) == (wanted, _BYTES))

    def _fields(self, place: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
        """Yield the fields of the message at a place: number, how it is written, where its value is."""
        (at, end), body = place, self._body
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"A request has at most {MOST_FIELDS:,} fields.")
            tag, at = (body[at], at + 1) if body[at] < 128 else self._varint(at)
            kind, stop = tag & 7, at
            if kind == _BYTES:
                length, at = (body[at], at + 1) if at < end and body[at] < 128 else self._varint(at)
                stop = at + length
            elif kind == _VARINT:
                _, stop = self._varint(at)
            elif kind in _FIXED:
                stop = at + _FIXED[kind]
            else:
                raise _Broken
            if stop > end or tag < 8:
                raise _Broken
            yield tag >> 3, kind, at, stop
            at = stop

    def _varint(self, at: int) -> tuple[int, int]:
        """Return the number that is written at a place, and where it ends."""
        number, body = 0, self._body
        for shift in range(0, 70, 7):
            if at == len(body):
                break
            byte = body[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number, at
        raise _Broken


def _hex(said: bytes, length: int) -> str:
    return said.hex() if len(said) == length and any(said) else ""


_COUNTED = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{,]', re.DOTALL)
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-fA-F]{32}"), re.compile("[0-9a-fA-F]{16}")


def _json_spans(body: bytes, wanted: Collection[str]) -> Iterator[Span | Rejected]:
    """Yield the spans of a body in JSON. Raises _Broken and TooLarge."""
    for number, _ in enumerate(_COUNTED.finditer(body)):
        if number == MOST_TOKENS:
            raise TooLarge(f"A request has at most {MOST_TOKENS:,} texts, lists, objects and commas.")
    try:
        request = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"), parse_int=_integer)
    except (ValueError, RecursionError):
        raise _Broken from None
    for group in _members(request, "resourceSpans"):
        resource = group.get("resource") if isinstance(group, dict) else None
        about = _json_attributes(resource, wanted)
        for scope in _members(group, "scopeSpans"):
            for span in _members(scope, "spans"):
                yield _json_span(span, wanted, about) if isinstance(span, dict) else _UNREADABLE


def _integer(digits: str) -> int | str:
    """Return a whole number; one that nobody can mean stays a text, since converting it takes quadratic time."""
    return int(digits) if len(digits) <= 20 else digits[:20]


def _members(parent: Any, name: str) -> list[Any]:
    """Return a list of messages, which is empty if it is not said. Raises _Broken."""
    found = parent.get(name) if isinstance(parent, dict) else False
    if not isinstance(found, list | None):
        raise _Broken
    return found or []


def _json_span(span: dict[str, Any], wanted: Collection[str], about: Attributes) -> Span:
    status = span.get("status")
    return Span(
        trace_id=_json_id(span.get("traceId"), _TRACE_ID),
        span_id=_json_id(span.get("spanId"), _SPAN_ID),
        parent_id=_json_id(span.get("parentSpanId"), _SPAN_ID),
        start=_nanoseconds(span.get("startTimeUnixNano")),
        end=_nanoseconds(span.get("endTimeUnixNano")),
        has_failed=isinstance(status, dict) and status.get("code") in (2, "STATUS_CODE_ERROR"),
        said={**about, **_json_attributes(span, wanted)},
    )


def _json_attributes(message: Any, wanted: Collection[str]) -> dict[str, Value]:
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
    return said


def _json_id(said: Any, shape: re.Pattern[str]) -> str:
    is_proper = isinstance(said, str) and shape.fullmatch(said) and said.strip("0")
    return said.lower() if is_proper else ""


def _nanoseconds(said: Any) -> int:
    """Return an instant, which is a number or a text of digits; 0 for anything else."""
    if isinstance(said, str) and len(said) <= 20 and said.isascii() and said.isdecimal():
        said = int(said)
    return said if type(said) is int and 0 <= said < 2**64 else 0
