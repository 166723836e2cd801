"""Read OTLP: the items of an export request, in protobuf or JSON, each with the wanted attributes.

Traces, logs and metrics have the same structure: a request has groups, one for each resource; a group has scopes; a
scope has items (spans, log records or metrics). Source: the OpenTelemetry protocol 1.10
(opentelemetry.io/docs/specs/otlp) and `opentelemetry.proto`, which has the field numbers.

Decision: requests have prompts and answers of any size, which are not needed here, and a body with a message in every
two bytes would become gigabytes of objects. So protobuf is read field by field: skipped fields are not decoded, and the
generated classes read only the wanted attributes. JSON must be decoded as a whole: its tokens are counted first, then
it is read without protobuf's JSON reader, which does not accept OTLP's JSON (hexadecimal ids, unknown fields).
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from portal.errors import PortalError, TooLarge
from portal.rules.metering.usage import Rejected

MOST_ITEMS = 10_000
"""Spans, log records or metrics of a request; SDKs send 512 at once, collectors 8,192."""
MOST_FIELDS = 2_000_000
"""Fields of a body in protobuf that are read; more would take seconds."""
MOST_TOKENS = 3_000_000
"""Texts, lists, objects and commas of a body in JSON; more would take seconds, and hundreds of megabytes."""
LONGEST_ATTRIBUTE = 4_096
"""Bytes of an attribute (in JSON: characters of its value); the value of a longer attribute is read as \"\"."""

Value = str | int | float
Attributes = Mapping[str, Value]
ByteRange = tuple[int, int]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WantedAttributes:
    """The attributes to read: those with one of the names, or with a name that begins with one of the prefixes.

    Boolean values are read as "true" or "false" if the name is in `truths`, which are among the names; else as "".
    """

    names: Collection[str]
    prefixes: tuple[str, ...] = ()
    truths: Collection[str] = ()

    def __contains__(self, name: str) -> bool:
        """Return whether an attribute is read."""
        return name in self.names or name.startswith(self.prefixes)


class InvalidRequest(ValueError):
    """The body is not a request of its content type."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of export request: the name of its items in messages, and the names of its lists in JSON."""

    items: str
    resources: str
    scopes: str
    members: str


TRACES = Signal("spans", "resourceSpans", "scopeSpans", "spans")
LOGS = Signal("log records", "resourceLogs", "scopeLogs", "logRecords")
METRICS = Signal("metrics", "resourceMetrics", "scopeMetrics", "metrics")


def read_items(
    signal: Signal,
    body: bytes,
    wanted: WantedAttributes,
    of_json: Callable[[Any, WantedAttributes, Attributes], Item],
    of_protobuf: Callable[["ProtobufReader", ByteRange, Attributes], Item],
    *,
    is_json: bool,
) -> Iterator[Item]:
    """Yield the result of `of_json` or `of_protobuf` for each item, called with its resource's attributes.

    Raises PortalError for a body that is no such request, TooLarge for too many items, fields or tokens.
    """
    json_items, protobuf = _json_items(body, wanted, signal, of_json), ProtobufReader(body, wanted)
    try:
        for number, item in enumerate(json_items if is_json else protobuf.items(of_protobuf)):
            if number == MOST_ITEMS:
                raise TooLarge(f"A request has at most {MOST_ITEMS:,} {signal.items}.")
            yield item
    except InvalidRequest:
        raise PortalError(f"The body is no OTLP request in {'JSON' if is_json else 'protobuf'}.") from None


VARINT, FIXED64, BYTES = 0, 1, 2
"""Wire types of fields (source: protobuf.dev/programming-guides/encoding); OTLP does not use groups."""
_FIXED = {FIXED64: 8, 5: 4}
_GROUP = 20


class ProtobufReader:
    """Reads the fields of an export request in protobuf; its items are field 2 of field 2 of field 1."""

    def __init__(self, body: bytes, wanted: WantedAttributes) -> None:
        """Prepare to read `body`."""
        self.body = body
        self._names = {name.encode() for name in wanted.names}
        self._prefixes = tuple(prefix.encode() for prefix in wanted.prefixes)
        self._truths = wanted.truths
        self._left = MOST_FIELDS

    def items(self, read: Callable[["ProtobufReader", ByteRange, Attributes], Item]) -> Iterator[Item]:
        """Yield the result of `read` for the place of each item. Raises InvalidRequest and TooLarge."""
        for group in self._groups((0, len(self.body)), 1):
            about: dict[str, Value] = {}
            for resource in self._messages(group, 1):
                self._read_resource(resource, about)
            for scope in self._groups(group, 2):
                for item in self._messages(scope, 2):
                    yield read(self, item, about)

    def _read_resource(self, place: ByteRange, about: dict[str, Value]) -> None:
        try:
            for attribute in self._messages(place, 1):
                self.read_attribute(attribute, about)
        except DecodeError:
            raise InvalidRequest from None

    def read_attribute(self, place: ByteRange, attributes: dict[str, Value]) -> None:
        """Add the value of an attribute, if it is wanted. Raises DecodeError."""
        at, end = place
        key = self._key(place)
        if key not in self._names and not key.startswith(self._prefixes):
            return
        if end - at > LONGEST_ATTRIBUTE:
            attributes[key.decode("utf-8", "replace")] = ""
            return
        attribute = KeyValue.FromString(self.body[at:end])
        kind, name = attribute.value.WhichOneof("value"), key.decode("utf-8", "replace")
        if kind in {"string_value", "int_value", "double_value"}:
            attributes[name] = getattr(attribute.value, kind)
        elif kind == "bool_value" and name in self._truths:
            attributes[name] = "true" if attribute.value.bool_value else "false"
        elif kind is not None:
            attributes[name] = ""

    def _key(self, attribute: ByteRange) -> bytes:
        for number, kind, at, end in self.fields(attribute):
            if (number, kind) == (1, BYTES):
                return self.body[at:end]
        return b""

    def _groups(self, place: ByteRange, wanted: int) -> Iterator[ByteRange]:
        """Yield the same as `_messages`; reading such a message takes as long as skipping `_GROUP` fields."""
        for message in self._messages(place, wanted):
            self._left -= _GROUP
            yield message

    def _messages(self, place: ByteRange, wanted: int) -> Iterator[ByteRange]:
        """Yield the places of the values of field `wanted`, in the message at a place."""
        return ((at, end) for number, kind, at, end in self.fields(place) if (number, kind) == (wanted, BYTES))

    def fields(self, place: ByteRange) -> Iterator[tuple[int, int, int, int]]:
        """Yield the fields of the message at a place: number, wire type, start and end of the value."""
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
                raise InvalidRequest
            if stop > end or tag < 8:
                raise InvalidRequest
            yield tag >> 3, kind, at, stop
            at = stop

    def _varint(self, at: int) -> tuple[int, int]:
        """Return the number at a place, and its end."""
        number, body = 0, self.body
        for shift in range(0, 70, 7):
            if at == len(body):
                break
            byte = body[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number, at
        raise InvalidRequest


def hexadecimal(value: bytes, length: int) -> str:
    """Return an id of `length` bytes in lower-case hexadecimal; "" for an invalid id."""
    return value.hex() if len(value) == length and any(value) else ""


_COUNTED = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{,]', re.DOTALL)
TRACE_ID, SPAN_ID = re.compile("[0-9a-fA-F]{32}"), re.compile("[0-9a-fA-F]{16}")


def _json_items(
    body: bytes, wanted: WantedAttributes, signal: Signal, read: Callable[[Any, WantedAttributes, Attributes], Item]
) -> Iterator[Item]:
    """Yield the result of `read` for each item of a body in JSON. Raises InvalidRequest and TooLarge."""
    for number, _ in enumerate(_COUNTED.finditer(body)):
        if number == MOST_TOKENS:
            raise TooLarge(f"A request has at most {MOST_TOKENS:,} texts, lists, objects and commas.")
    try:
        request = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"), parse_int=_integer)
    except (ValueError, RecursionError):
        raise InvalidRequest from None
    for group in _members(request, signal.resources):
        resource = group.get("resource") if isinstance(group, dict) else None
        about = json_attributes(resource, wanted)
        for scope in _members(group, signal.scopes):
            for item in _members(scope, signal.members):
                yield read(item, wanted, about)


def _integer(digits: str) -> int | str:
    """Return a whole number; more than 20 digits stay text, since the time to convert them grows quadratically."""
    return int(digits) if len(digits) <= 20 else digits[:20]


def _members(parent: Any, name: str) -> list[Any]:
    """Return a list of messages; an empty one if it is absent. Raises InvalidRequest."""
    found = parent.get(name) if isinstance(parent, dict) else False
    if not isinstance(found, list | None):
        raise InvalidRequest
    return found or []


def json_attributes(message: Any, wanted: WantedAttributes) -> dict[str, Value]:
    """Return the wanted attributes of a message in JSON."""
    members = message.get("attributes") if isinstance(message, dict) else None
    attributes: dict[str, Value] = {}
    plain: Any
    for attribute in members if isinstance(members, list) else ():
        key, value = (attribute.get("key"), attribute.get("value")) if isinstance(attribute, dict) else (None, None)
        if isinstance(key, str) and key in wanted and value:
            kinds = value if isinstance(value, dict) else {}
            plain = next((kinds[kind] for kind in ("stringValue", "intValue", "doubleValue") if kind in kinds), "")
            is_plain = type(plain) in {int, float} or (isinstance(plain, str) and len(plain) <= LONGEST_ATTRIBUTE)
            attributes[key] = plain if is_plain else ""
            if key in wanted.truths and type(kinds.get("boolValue")) is bool:
                attributes[key] = "true" if kinds["boolValue"] else "false"
    return attributes


def json_id(value: Any, shape: re.Pattern[str]) -> str:
    """Return an id of a message in JSON, in lower case; "" for an invalid id."""
    is_proper = isinstance(value, str) and shape.fullmatch(value) and value.strip("0")
    return value.lower() if is_proper else ""


def nanoseconds(value: Any) -> int:
    """Return the nanoseconds of a number or a text of digits; 0 for other values."""
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdecimal():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**64 else 0


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids in lower-case hexadecimal, "" where invalid; instants in nanoseconds since 1970, 0 where absent.

    `attributes` are the wanted ones of the span and its resource; the span's value counts where both have one. A value
    that is neither text nor a number is "", so that the attribute is still present.
    """

    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    has_failed: bool
    attributes: Attributes


_UNREADABLE = Rejected(None, "The span cannot be read.")


def read_spans(body: bytes, wanted: WantedAttributes, *, is_json: bool) -> Iterator[Span | Rejected]:
    """Yield the spans of an export request, in order; a span that cannot be read is rejected.

    Raises PortalError for a body that is no such request, TooLarge for too many spans, fields or tokens.
    """
    return read_items(TRACES, body, wanted, _json_span, _span, is_json=is_json)


def _span(reader: ProtobufReader, place: ByteRange, about: Attributes) -> Span | Rejected:
    body, ids, instants, has_failed = reader.body, {1: b"", 2: b"", 4: b""}, {7: 0, 8: 0}, False
    own: dict[str, Value] = {}
    try:
        for number, kind, at, end in reader.fields(place):
            if kind == BYTES and number == 9:
                reader.read_attribute((at, end), own)
            elif kind == BYTES and number in ids:
                ids[number] = body[at:end]
            elif kind == FIXED64 and number in instants:
                instants[number] = int.from_bytes(body[at:end], "little")
            elif kind == BYTES and number == 15:
                has_failed = _is_error(reader, (at, end))
    except DecodeError:
        return _UNREADABLE
    trace_id, span_id, parent_id = hexadecimal(ids[1], 16), hexadecimal(ids[2], 8), hexadecimal(ids[4], 8)
    return Span(trace_id, span_id, parent_id, instants[7], instants[8], has_failed, {**about, **own})


def _is_error(reader: ProtobufReader, status: ByteRange) -> bool:
    codes = [reader.body[at:end] for number, kind, at, end in reader.fields(status) if (number, kind) == (3, VARINT)]
    return bool(codes) and codes[-1] == b"\x02"


def _json_span(span: Any, wanted: WantedAttributes, about: Attributes) -> Span | Rejected:
    if not isinstance(span, dict):
        return _UNREADABLE
    status = span.get("status")
    return Span(
        trace_id=json_id(span.get("traceId"), TRACE_ID),
        span_id=json_id(span.get("spanId"), SPAN_ID),
        parent_id=json_id(span.get("parentSpanId"), SPAN_ID),
        start=nanoseconds(span.get("startTimeUnixNano")),
        end=nanoseconds(span.get("endTimeUnixNano")),
        has_failed=isinstance(status, dict) and status.get("code") in (2, "STATUS_CODE_ERROR"),
        attributes={**about, **json_attributes(span, wanted)},
    )
