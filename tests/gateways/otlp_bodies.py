"""OTLP requests for tests in both forms: by the classes that the SDKs use, and by hand as the protocol says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

TRACE = "5b8efff798038103d269b633813fc60c"
NOON = 1_795_348_800_000_000_000
"""Nanoseconds from 1970 to 2026-11-22T12:00:00Z."""


@dataclass(frozen=True)
class Sent:
    """A span as a program sends it."""

    attributes: Mapping[str, Any]
    id: str = "eee19b7ec3c1b174"
    parent: str = ""
    trace: str = TRACE
    start: int = NOON
    end: int = NOON + 1_500_000_000
    code: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)


def in_protobuf(*spans: Sent, resource: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as the exporters of the SDKs write it."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in (resource or {}).items():
        group.resource.attributes.add(key=key, value=any_value(value))
    scope = group.scope_spans.add()
    scope.scope.name = "a library"
    for sent in spans:
        span = scope.spans.add(
            trace_id=bytes.fromhex(sent.trace),
            span_id=bytes.fromhex(sent.id),
            parent_span_id=bytes.fromhex(sent.parent),
            name="chat",
            kind=3,
            start_time_unix_nano=sent.start,
            end_time_unix_nano=sent.end,
        )
        for key, value in sent.attributes.items():
            span.attributes.add(key=key, value=any_value(value))
        span.events.add(name="gen_ai.content.prompt").attributes.add(key="gen_ai.prompt", value=any_value("a secret"))
        if sent.code:
            span.status.code = sent.code  # type: ignore[assignment]
            span.status.message = "a secret"
    return request.SerializeToString()


def in_json(*spans: Sent, resource: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as the protocol has it in JSON: numbers of 64 bits are texts there, ids hexadecimal."""
    scope = {"scope": {"name": "a library"}, "spans": [_span(sent) for sent in spans]}
    group = {"resource": {"attributes": json_attributes(resource or {})}, "scopeSpans": [scope]}
    return json.dumps({"resourceSpans": [group]}).encode()


def _span(sent: Sent) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": sent.trace,
        "spanId": sent.id,
        "parentSpanId": sent.parent,
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(sent.start),
        "endTimeUnixNano": str(sent.end),
        "attributes": json_attributes(sent.attributes),
        "events": [{"name": "gen_ai.content.prompt", "attributes": json_attributes({"gen_ai.prompt": "a secret"})}],
        "status": {"code": sent.code, "message": "a secret"} if sent.code else {},
    }
    return {**span, **sent.more}


def json_attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as JSON has them."""
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    texts = {name: str(value) if type(value) is int else value for name, value in attributes.items()}
    return [{"key": name, "value": {kinds[type(value)]: texts[name]}} for name, value in attributes.items()]


def any_value(value: Any) -> AnyValue:
    """Return a value as a message."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
    return AnyValue(string_value=value)
