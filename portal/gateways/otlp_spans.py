"""The spans of an OTLP request of traces, each with the few attributes that are wanted of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from portal.gateways.otlp_wire import (
    BYTES,
    FIXED64,
    SPAN_ID,
    TRACE_ID,
    TRACES,
    VARINT,
    Attributes,
    Place,
    Value,
    Walk,
    Wanted,
    hexadecimal,
    json_attributes,
    json_id,
    json_items,
    limited,
    nanoseconds,
)
from portal.rules.usage import Rejected


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


_UNREADABLE = Rejected(None, "The span cannot be read.")


def read_spans(body: bytes, wanted: Wanted, *, is_json: bool) -> Iterator[Span | Rejected]:
    """Yield the spans of an export request, in order; one that alone cannot be read is rejected.

    Raises PortalError for a body that is no such request, TooLarge for too many spans or too much beside them.
    """
    if is_json:
        found = json_items(body, wanted, TRACES, lambda span, about: _json_span(span, wanted, about))
    else:
        walk = Walk(body, wanted)
        found = walk.items(lambda place, about: _span(walk, place, about))
    yield from limited(TRACES, found, is_json=is_json)


def _span(walk: Walk, place: Place, about: Attributes) -> Span | Rejected:
    body, ids, instants, has_failed = walk.body, {1: b"", 2: b"", 4: b""}, {7: 0, 8: 0}, False
    own: dict[str, Value] = {}
    try:
        for number, kind, at, end in walk.fields(place):
            if kind == BYTES and number == 9:
                walk.read_attribute((at, end), own)
            elif kind == BYTES and number in ids:
                ids[number] = body[at:end]
            elif kind == FIXED64 and number in instants:
                instants[number] = int.from_bytes(body[at:end], "little")
            elif kind == BYTES and number == 15:
                has_failed = _is_error(walk, (at, end))
    except DecodeError:
        return _UNREADABLE
    trace_id, span_id, parent_id = hexadecimal(ids[1], 16), hexadecimal(ids[2], 8), hexadecimal(ids[4], 8)
    return Span(trace_id, span_id, parent_id, instants[7], instants[8], has_failed, {**about, **own})


def _is_error(walk: Walk, status: Place) -> bool:
    codes = [walk.body[at:end] for number, kind, at, end in walk.fields(status) if (number, kind) == (3, VARINT)]
    return bool(codes) and codes[-1] == b"\x02"


def _json_span(span: Any, wanted: Wanted, about: Attributes) -> Span | Rejected:
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
        said={**about, **json_attributes(span, wanted)},
    )
