"""What programs such as Claude Code and Codex report with OpenTelemetry logs: `POST /api/v1/otlp/v1/logs`."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from starlette.responses import Response

from portal.api.bodies import strict_router
from portal.api.gateways.otlp import OtlpBody, otlp_response, route_documentation, warning_of
from portal.api.gateways.usage_ingest import read_entries, store
from portal.gateways.otlp_logs import read_logs

router = strict_router("Gateways")


@router.post(
    "/api/v1/otlp/v1/logs",
    **route_documentation(
        "ExportLogsServiceRequest",
        "resourceLogs",
        "ExportLogsServiceResponse",
        "rejectedLogRecords",
        "log records",
    ),
)
def report_logs(sent: OtlpBody) -> Response:
    """Store the requests to models that are in log records, each once, also if a trace reports it too.

    Taken are the events of Claude Code, Codex and Gemini CLI that say what a request used, and those of the GenAI
    conventions; with a gateway's token those of everybody, by email, with a person's API key those of the person. All
    others are ignored. Sending a request again is always safe. The answer comes when all is stored for good.
    """
    reporter, body, is_json = sent
    logs = read_entries(reporter, lambda: read_logs(body, is_json=is_json, default_mode=reporter.mode))
    receipt = store(reporter, logs.entries, ignored=logs.ignored)
    answer = ExportLogsServiceResponse()
    if warning := warning_of(receipt):
        answer.partial_success.rejected_log_records = receipt.rejected
        answer.partial_success.error_message = warning
    return otlp_response(answer, is_json=is_json)
