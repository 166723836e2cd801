"""Read the log records of an OTLP request of logs, and count the metrics of a request of metrics.

The name of a record's event is in the new field `event_name`, in the older attribute `event.name`, or in the body,
where programs such as Claude Code write it after the program's name.
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
    ByteRange,
    ProtobufReader,
    Value,
    WantedAttributes,
    hexadecimal,
    json_attributes,
    json_id,
    nanoseconds,
    read_items,
)
from portal.rules.metering.usage import Rejected

EVENT_NAME = "event.name"
LONGEST_NAME = 200
"""Bytes of an event's name; a longer text is a message, not a name."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record: ids as of a span, instants in nanoseconds since 1970, 0 where absent.

    `observed` is when the first program of the log pipeline received the record. `event` is the event's name, or "".
    `attributes` are the wanted ones of the record and its resource; the record's value counts where both have one.
    """

    trace_id: str
    span_id: str
    time: int
    observed: int
    event: str
    attributes: Attributes


_UNREADABLE = Rejected(None, "The log record cannot be read.")


def read_records(body: bytes, wanted: WantedAttributes, *, is_json: bool) -> Iterator[LogRecord | Rejected]:
    """Yield the log records of an export request, in order; a record that cannot be read is rejected.

    Raises PortalError for a body that is no such request, TooLarge for too many records, fields or tokens.
    """
    wanted = WantedAttributes({*wanted.names, EVENT_NAME}, wanted.prefixes)
    return read_items(LOGS, body, wanted, _json_record, _record, is_json=is_json)


def count_metrics(body: bytes, *, is_json: bool) -> int:
    """Return how many metrics an export request has. Raises PortalError and TooLarge, as for log records."""
    metrics = read_items(
        METRICS,
        body,
        WantedAttributes(()),
        lambda metric, *_: isinstance(metric, dict),
        lambda reader, place, _: any(list(reader.fields(place))),
        is_json=is_json,
    )
    return sum(1 for _ in metrics)


def _record(reader: ProtobufReader, place: ByteRange, about: Attributes) -> LogRecord | Rejected:
    body, ids, instants, name, text = reader.body, {9: b"", 10: b""}, {1: 0, 11: 0}, "", ""
    own: dict[str, Value] = {}
    try:
        for number, kind, at, end in reader.fields(place):
            if kind == BYTES and number == 6:
                reader.read_attribute((at, end), own)
            elif kind == BYTES and number in ids:
                ids[number] = body[at:end]
            elif kind == FIXED64 and number in instants:
                instants[number] = int.from_bytes(body[at:end], "little")
            elif kind == BYTES and number == 12:
                name = _name(body[at:end])
            elif kind == BYTES and number == 5:
                text = _text(reader, (at, end))
    except DecodeError:
        return _UNREADABLE
    attributes = {**about, **own}
    trace_id, span_id = hexadecimal(ids[9], 16), hexadecimal(ids[10], 8)
    return LogRecord(trace_id, span_id, instants[1], instants[11], _event(name, attributes, text), attributes)


def _text(reader: ProtobufReader, value: ByteRange) -> str:
    """Return the text of a record's body; "" for a body of another type."""
    texts = [reader.body[at:end] for number, kind, at, end in reader.fields(value) if (number, kind) == (1, BYTES)]
    return _name(texts[-1]) if texts else ""


def _name(value: bytes) -> str:
    return value.decode("utf-8", "replace") if len(value) <= LONGEST_NAME else ""


def _event(name: str, attributes: Attributes, text: str) -> str:
    """Return the event's name; the name in the body counts if it is the same with the program's name before it."""
    found = name or str(attributes.get(EVENT_NAME, "")) or text
    return text if text.endswith(f".{found}") else found


def _json_record(record: Any, wanted: WantedAttributes, about: Attributes) -> LogRecord | Rejected:
    if not isinstance(record, dict):
        return _UNREADABLE
    attributes = {**about, **json_attributes(record, wanted)}
    body = record.get("body")
    text = body.get("stringValue") if isinstance(body, dict) else None
    return LogRecord(
        trace_id=json_id(record.get("traceId"), TRACE_ID),
        span_id=json_id(record.get("spanId"), SPAN_ID),
        time=nanoseconds(record.get("timeUnixNano")),
        observed=nanoseconds(record.get("observedTimeUnixNano")),
        event=_event(_short(record.get("eventName")), attributes, _short(text)),
        attributes=attributes,
    )


def _short(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else ""
