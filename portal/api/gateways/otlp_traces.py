"""Usage in OpenTelemetry traces of instrumented programs and gateways: `POST /api/v1/otlp/v1/traces`."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.responses import Response

from portal.api.bodies import strict_router
from portal.api.gateways.otlp import OtlpBody, otlp_response, route_documentation, warning_of
from portal.api.gateways.usage_ingest import read_entries, store
from portal.gateways.otlp import read_traces

router = strict_router("Gateways")


@router.post(
    "/api/v1/otlp/v1/traces",
    **route_documentation(
        "ExportTraceServiceRequest", "resourceSpans", "ExportTraceServiceResponse", "rejectedSpans", "spans"
    ),
)
def report_traces(sent: OtlpBody) -> Response:
    """Store the model calls in traces, each span once.

    Accepts spans with the attributes of the GenAI conventions, OpenLLMetry, OpenInference, Langfuse, Vercel's AI SDK or
    Claude Code. A gateway's token reports calls of all persons; a person's API key reports those of the person. Other
    spans, prompts and answers are ignored. A request may be sent again. The answer is sent after the data are stored.
    """
    reporter, body, is_json = sent
    traces = read_entries(reporter, lambda: read_traces(body, is_json=is_json, default_mode=reporter.mode))
    receipt = store(reporter, traces.entries, ignored=traces.ignored)
    answer = ExportTraceServiceResponse()
    if warning := warning_of(receipt):
        answer.partial_success.rejected_spans = receipt.rejected
        answer.partial_success.error_message = warning
    return otlp_response(answer, is_json=is_json)
