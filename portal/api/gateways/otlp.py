"""Usage in OpenTelemetry's traces and logs of instrumented programs and gateways; metrics are accepted and ignored.

Source: OTLP/HTTP in the OpenTelemetry protocol 1.10 (opentelemetry.io/docs/specs/otlp). The only difference:
errors have the form of this API, `{"error", "detail"}`, not google.rpc.Status. Exporters only use the HTTP status, and
some log the body.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.metering.usage import Result
from portal.api.access import AnyReporter
from portal.api.bodies import JSON, media_type, read_body, strict_router
from portal.api.errors import answers
from portal.api.gateways.usage_ingest import UsageReceipt, note_refusal, read_entries, store
from portal.gateways.log_records import count_metrics
from portal.gateways.otlp import OtlpEntries, read_traces
from portal.gateways.otlp_logs import read_logs
from portal.rules.metering.reporters import Reporter
from portal.web.bodies import LARGEST_JSON_EXPORT

router = strict_router("Gateways")

PROTOBUF = "application/x-protobuf"


def _documentation(signal: str, resources: str, rejected: str, items: str) -> dict[str, Any]:
    """Return the documentation of a route for `router.post`: its body and its answers.

    `signal` is part of the names of the messages, the next two are members of them; `items` is a plural noun.
    """
    request, response = f"Export{signal}ServiceRequest", f"Export{signal}ServiceResponse"
    in_json = {
        "description": f"An {request} as OTLP writes it in JSON",
        "type": "object",
        "properties": {resources: {"type": "array", "items": {"type": "object"}}},
        "additionalProperties": True,
    }
    partial = {
        "description": f"Present if {items} were rejected or are held",
        "type": "object",
        "properties": {
            rejected: {"type": "string", "description": "How many were rejected; absent: none"},
            "errorMessage": {"type": "string", "description": "How many were not counted, and why not"},
        },
    }
    answer = {
        "description": f"An {response}, in JSON if the request was",
        "type": "object",
        "properties": {"partialSuccess": partial},
    }
    content = {PROTOBUF: {"schema": _binary(request)}, JSON: {"schema": in_json}}
    answered = {PROTOBUF: {"schema": _binary(response)}, JSON: {"schema": answer}}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "response_class": Response,
        "responses": {
            200: {"description": "What can be counted is stored", "content": answered},
            **answers(401, 403, 415),
        },
    }


def _binary(message: str) -> dict[str, str]:
    return {"description": f"An {message}", "type": "string", "format": "binary"}


async def otlp_body(request: Request, reporter: AnyReporter) -> tuple[Reporter, bytes, bool]:
    """Return the reporter of a request, the bytes of its body, and whether they are JSON."""
    async with note_refusal(reporter):
        is_json = media_type(request, PROTOBUF, JSON) == JSON
        return reporter, await read_body(request, LARGEST_JSON_EXPORT if is_json else None, compressed=True), is_json


OtlpBody = Annotated[tuple[Reporter, bytes, bool], Depends(otlp_body)]


@router.post(
    "/api/v1/otlp/v1/traces",
    **_documentation("Trace", "resourceSpans", "rejectedSpans", "spans"),
)
def report_traces(sent: OtlpBody) -> Response:
    """Store the model calls in traces, each span once.

    Accepts spans with the attributes of the GenAI conventions, OpenLLMetry, OpenInference, Langfuse, Vercel's AI SDK or
    Claude Code. A gateway's token reports calls of all persons; a person's API key reports those of the person. Other
    spans, prompts and answers are ignored. A request may be sent again. The answer is sent after the data are stored.
    """
    return _answer(sent, read_traces, ExportTraceServiceResponse(), "rejected_spans")


@router.post(
    "/api/v1/otlp/v1/logs",
    **_documentation("Logs", "resourceLogs", "rejectedLogRecords", "log records"),
)
def report_logs(sent: OtlpBody) -> Response:
    """Store the model requests in log records, each once, also if a trace reports it too.

    Accepts the usage events of Claude Code, Codex and Gemini CLI, and those of the GenAI conventions. A gateway's token
    reports requests of all persons, by email; a person's API key reports those of the person. All other records are
    ignored. A request may be sent again. The answer is sent after the data are stored.
    """
    return _answer(sent, read_logs, ExportLogsServiceResponse(), "rejected_log_records")


@router.post(
    "/api/v1/otlp/v1/metrics",
    **_documentation("Metrics", "resourceMetrics", "rejectedDataPoints", "data points"),
)
def ignore_metrics(sent: OtlpBody) -> Response:
    """Accept metrics and ignore them.

    Metrics never count: they are sums over many requests, and programs that send them report each request in their logs
    or traces. They are accepted so that a program with one endpoint for all signals gets no errors. The page of the
    gateway shows their number as ignored items.
    """
    reporter, body, is_json = sent
    ignored = read_entries(reporter, lambda: count_metrics(body, is_json=is_json))
    store(reporter, [], ignored=ignored)
    return _response(ExportMetricsServiceResponse(), is_json=is_json)


def _answer(
    sent: tuple[Reporter, bytes, bool], read: Callable[..., OtlpEntries], answer: Any, rejected: str
) -> Response:
    """Store what `read` finds in a body; `rejected` is the member of the answer for the number of rejected items."""
    reporter, body, is_json = sent
    found = read_entries(reporter, lambda: read(body, is_json=is_json, default_mode=reporter.mode))
    receipt = store(reporter, found.entries, ignored=found.ignored)
    if warning := _warning(receipt):
        setattr(answer.partial_success, rejected, receipt.rejected)
        answer.partial_success.error_message = warning
    return _response(answer, is_json=is_json)


def _response(message: Message, *, is_json: bool) -> Response:
    """Return a message as the answer, in JSON or binary as the request was."""
    content = MessageToJson(message, indent=None) if is_json else message.SerializeToString()
    return Response(content, media_type=JSON if is_json else PROTOBUF)


def _warning(receipt: UsageReceipt) -> str:
    """Return a warning about items that are not counted; "" if all are.

    Items that are held for the administrator are not rejected, so they are in the warning only, as OTLP allows.
    """
    sentences = []
    for result in (Result.REJECTED, Result.UNATTRIBUTED, Result.CONFLICT):
        errors = [each.error for each in receipt.results if each.result is result]
        if errors:
            sentences.append(f"{len(errors)} of {len(receipt.results)} {result.value}: {errors[0]}")
    return " ".join(sentences)
