"""OTLP requests of logs and metrics for tests, in both forms, as `otlp_bodies` makes those of traces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.gateways.otlp_bodies import NOON, any_value, json_attributes

CLAUDE_CODE: dict[str, Any] = {
    "event.name": "api_request",
    "event.sequence": 3,
    "session.id": "s-1",
    "user.id": "0" * 64,
    "user.email": "alice@example.org",
    "model": "claude-z",
    "input_tokens": "12",
    "output_tokens": "300",
    "cache_read_tokens": "25000",
    "cache_creation_tokens": "700",
    "cost_usd": "0.02",
    "duration_ms": "4000",
    "request_id": "req_2",
}
"""What Claude Code says of a request in its log."""
CODEX: dict[str, Any] = {
    "event.name": "codex.sse_event",
    "event.kind": "response.completed",
    "event.timestamp": "2026-11-22T12:00:00.250Z",
    "conversation.id": "conv-1",
    "user.email": "alice@example.org",
    "model": "gpt-5-codex",
    "slug": "gpt-5-codex",
    "input_token_count": "9000",
    "cached_token_count": 7000,
    "output_token_count": "300",
    "reasoning_token_count": 120,
    "tool_token_count": "9300",
}
"""What Codex says, of which the count of tools is the total."""


@dataclass(frozen=True)
class Record:
    """A log record as a program sends it."""

    attributes: Mapping[str, Any]
    body: str = ""
    name: str = ""
    time: int = NOON
    observed: int = NOON
    trace: str = ""
    span: str = ""


def logs_in_protobuf(*records: Record, resource: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as the exporters of the SDKs write it."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    for key, value in (resource or {}).items():
        group.resource.attributes.add(key=key, value=any_value(value))
    scope = group.scope_logs.add()
    scope.scope.name = "a library"
    for sent in records:
        record = scope.log_records.add(
            time_unix_nano=sent.time,
            observed_time_unix_nano=sent.observed,
            severity_text="INFO",
            event_name=sent.name,
            trace_id=bytes.fromhex(sent.trace),
            span_id=bytes.fromhex(sent.span),
        )
        if sent.body:
            record.body.string_value = sent.body
        for key, value in sent.attributes.items():
            record.attributes.add(key=key, value=any_value(value))
    return request.SerializeToString()


def logs_in_json(*records: Record, resource: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as the protocol has it in JSON."""
    scope = {"scope": {"name": "a library"}, "logRecords": [_record(sent) for sent in records]}
    group = {"resource": {"attributes": json_attributes(resource or {})}, "scopeLogs": [scope]}
    return json.dumps({"resourceLogs": [group]}).encode()


def _record(sent: Record) -> dict[str, Any]:
    return {
        "timeUnixNano": str(sent.time),
        "observedTimeUnixNano": str(sent.observed),
        "severityText": "INFO",
        "eventName": sent.name,
        "traceId": sent.trace,
        "spanId": sent.span,
        "attributes": json_attributes(sent.attributes),
    } | ({"body": {"stringValue": sent.body}} if sent.body else {})


def metrics_in_protobuf(*names: str) -> bytes:
    """Return a request with a sum of each name."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for name in names:
        metrics.add(name=name, unit="tokens").sum.data_points.add(as_int=12, time_unix_nano=NOON)
    return request.SerializeToString()


def metrics_in_json(*names: str) -> bytes:
    """Return the same in JSON."""
    point = {"asInt": "12", "timeUnixNano": str(NOON)}
    metrics = [{"name": name, "unit": "tokens", "sum": {"dataPoints": [point]}} for name in names]
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
