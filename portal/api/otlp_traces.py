"""What instrumented programs and gateways report with OpenTelemetry: `POST /api/v1/otlp/v1/traces`.

Source: OTLP/HTTP in the OpenTelemetry protocol 1.10 (opentelemetry.io/docs/specs/otlp). It differs in one point: what
cannot be answered is answered as everywhere here, `{"error", "detail"}`, not with a google.rpc.Status. Exporters go by
the HTTP status alone, and log the body at most.
"""

from typing import Annotated

from fastapi import Depends
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.usage import Result
from portal.api.access import AnyReporter
from portal.api.errors import answers
from portal.api.strict import JSON, media_type, read_body, strict_router
from portal.api.usage_ingest import UsageReceipt, refusal_noted, store, understood
from portal.gateways.otlp import read_traces
from portal.rules.reporters import Reporter

router = strict_router("Gateways")

PROTOBUF = "application/x-protobuf"
MOST_BYTES = {PROTOBUF: 64_000_000, JSON: 20_000_000}
"""Bytes of a request, unpacked. Of protobuf, what SDKs send at most; JSON is decoded as a whole, which takes several
times as much memory, so it ends where the protocol recommends."""

_REQUEST = {
    PROTOBUF: {"schema": {"description": "An ExportTraceServiceRequest", "type": "string", "format": "binary"}},
    JSON: {
        "schema": {
            "description": "An ExportTraceServiceRequest as OTLP writes it in JSON",
            "type": "object",
            "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}},
            "additionalProperties": True,
        }
    },
}
_ANSWER = {
    PROTOBUF: {"schema": {"description": "An ExportTraceServiceResponse", "type": "string", "format": "binary"}},
    JSON: {
        "schema": {
            "description": "An ExportTraceServiceResponse, in JSON if the request was",
            "type": "object",
            "properties": {
                "partialSuccess": {
                    "description": "There if anything is to be said: spans were rejected, or are held",
                    "type": "object",
                    "properties": {
                        "rejectedSpans": {"type": "string", "description": "How many were rejected; absent: none"},
                        "errorMessage": {"type": "string", "description": "How many were not counted, and why not"},
                    },
                }
            },
        }
    },
}


async def traces_body(request: Request, reporter: AnyReporter) -> tuple[Reporter, bytes, str]:
    """Read a request, for whoever may send one: whose it is, the bytes, and their type."""
    async with refusal_noted(reporter):
        kind = media_type(request, PROTOBUF, JSON)
        return reporter, await read_body(request, MOST_BYTES[kind], packed=True), kind


@router.post(
    "/api/v1/otlp/v1/traces",
    openapi_extra={"requestBody": {"required": True, "content": _REQUEST}},
    response_class=Response,
    responses={200: {"description": "What can be counted is stored", "content": _ANSWER}, **answers(401, 403, 415)},
)
def report_traces(sent: Annotated[tuple[Reporter, bytes, str], Depends(traces_body)]) -> Response:
    """Store the calls of models that are in traces, each span once.

    Spans with the attributes of the GenAI conventions, of OpenLLMetry or of OpenInference are taken, with a gateway's
    token those of everybody, with a person's API key those of the person. All others are ignored, as are prompts and
    answers. Sending a request again is always safe. The answer comes when all is stored for good.
    """
    reporter, body, kind = sent
    traces = understood(reporter, lambda: read_traces(body, is_json=kind == JSON, default_mode=reporter.mode))
    answer = _answer(store(reporter, traces.entries, ignored=traces.ignored))
    content = MessageToJson(answer, indent=None) if kind == JSON else answer.SerializeToString()
    return Response(content, media_type=kind)


def _answer(receipt: UsageReceipt) -> ExportTraceServiceResponse:
    """Return the answer: empty if all was taken, else what was rejected, or is kept for the administrator, and why.

    What is kept is not rejected, so it is only warned of, as the protocol allows.
    """
    answer, sentences = ExportTraceServiceResponse(), []
    for result in (Result.REJECTED, Result.UNATTRIBUTED, Result.CONFLICT):
        errors = [each.error for each in receipt.results if each.result is result]
        if errors:
            sentences.append(f"{len(errors)} of {len(receipt.results)} {result.value}: {errors[0]}")
    if sentences:
        answer.partial_success.rejected_spans = receipt.rejected
        answer.partial_success.error_message = " ".join(sentences)
    return answer
