"""What instrumented programs and gateways report with OpenTelemetry traces: `POST /api/v1/otlp/v1/traces`."""

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
    """Store the calls of models that are in traces, each span once.

    Spans with the attributes of the GenAI conventions, OpenLLMetry, OpenInference, Langfuse, Vercel's AI SDK or Claude
    Code are taken, with a gateway's token those of everybody, with a person's API key those of the person. All others
    are ignored, as are prompts and answers. Sending a request again is always safe. The answer comes when all is stored
    for good.
    """
    reporter, body, is_json = sent
    traces = read_entries(reporter, lambda: read_traces(body, is_json=is_json, default_mode=reporter.mode))
    receipt = store(reporter, traces.entries, ignored=traces.ignored)
    answer = ExportTraceServiceResponse()
    if warning := warning_of(receipt):
        answer.partial_success.rejected_spans = receipt.rejected
        answer.partial_success.error_message = warning
    return otlp_response(answer, is_json=is_json)
