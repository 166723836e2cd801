"""The log records of an OTLP request of logs, and how many metrics a request of metrics has.

The name of a record's event is the field `event_name`, which is new; or the attribute `event.name`, which was before
it; or the body, where programs such as Claude Code write it with the program's name in front.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from portal.gateways.otlp_wire import (
    BYTES,
    FIXED64,
    LOGS,
    METRICS,
    SPAN_ID,
    TRACE_ID,
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

EVENT_NAME = "event.name"
LONGEST_NAME = 200
"""Bytes of an event's name; a longer text is a message, not a name."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record: ids as of a span, instants in nanoseconds since 1970, 0 where not said.

    `observed` is when the first program that handles logs saw the record. `event` is the event's name, "" without one.
    `said` has the wanted attributes of the record and its resource; where both name one, the record's counts.
    """

    trace_id: str
    span_id: str
    time: int
    observed: int
    event: str
    said: Attributes


_UNREADABLE = Rejected(None, "The log record cannot be read.")


def read_records(body: bytes, wanted: Wanted, *, is_json: bool) -> Iterator[LogRecord | Rejected]:
    """Yield the log records of an export request, in order; one that alone cannot be read is rejected.

    Raises PortalError for a body that is no such request, TooLarge for too many records or too much beside them.
    """
    wanted = Wanted({*wanted.names, EVENT_NAME}, wanted.prefixes)
    if is_json:
        found = json_items(body, wanted, LOGS, lambda record, about: _json_record(record, wanted, about))
    else:
        walk = Walk(body, wanted)
        found = walk.items(lambda place, about: _record(walk, place, about))
    yield from limited(LOGS, found, is_json=is_json)


def count_metrics(body: bytes, *, is_json: bool) -> int:
    """Return how many metrics an export request has. Raises PortalError and TooLarge, as for log records."""
    if is_json:
        found = json_items(body, Wanted(()), METRICS, lambda metric, _: isinstance(metric, dict))
    else:
        walk = Walk(body, Wanted(()))
        found = walk.items(lambda place, _: any(list(walk.fields(place))))
    return sum(1 for _ in limited(METRICS, found, is_json=is_json))


def _record(walk: Walk, place: Place, about: Attributes) -> LogRecord | Rejected:
    body, ids, instants, name, text = walk.body, {9: b"", 10: b""}, {1: 0, 11: 0}, "", ""
    own: dict[str, Value] = {}
    try:
        for number, kind, at, end in walk.fields(place):
            if kind == BYTES and number == 6:
                walk.read_attribute((at, end), own)
            elif kind == BYTES and number in ids:
                ids[number] = body[at:end]
            elif kind == FIXED64 and number in instants:
                instants[number] = int.from_bytes(body[at:end], "little")
            elif kind == BYTES and number == 12:
                name = _name(body[at:end])
            elif kind == BYTES and number == 5:
                text = _text(walk, (at, end))
    except DecodeError:
        return _UNREADABLE
    said = {**about, **own}
    trace_id, span_id = hexadecimal(ids[9], 16), hexadecimal(ids[10], 8)
    return LogRecord(trace_id, span_id, instants[1], instants[11], _event(name, said, text), said)


def _text(walk: Walk, value: Place) -> str:
    """Return the text that a record's body is, or "" for a body of another kind."""
    texts = [walk.body[at:end] for number, kind, at, end in walk.fields(value) if (number, kind) == (1, BYTES)]
    return _name(texts[-1]) if texts else ""


def _name(said: bytes) -> str:
    return said.decode("utf-8", "replace") if len(said) <= LONGEST_NAME else ""


def _event(name: str, said: Attributes, text: str) -> str:
    """Return the event's name, with the program's name in front where only the body has that."""
    found = name or str(said.get(EVENT_NAME, "")) or text
    return text if text.endswith(f".{found}") else found


def _json_record(record: Any, wanted: Wanted, about: Attributes) -> LogRecord | Rejected:
    if not isinstance(record, dict):
        return _UNREADABLE
    said = {**about, **json_attributes(record, wanted)}
    value = record.get("body")
    return LogRecord(
        trace_id=json_id(record.get("traceId"), TRACE_ID),
        span_id=json_id(record.get("spanId"), SPAN_ID),
        time=nanoseconds(record.get("timeUnixNano")),
        observed=nanoseconds(record.get("observedTimeUnixNano")),
        event=_event(
            _short(record.get("eventName")), said, _short(value.get("stringValue") if isinstance(value, dict) else None)
        ),
        said=said,
    )


def _short(said: Any) -> str:
    return said if isinstance(said, str) and len(said) <= LONGEST_NAME else ""
