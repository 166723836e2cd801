"""Usage in OpenTelemetry logs, for example of Claude Code and Codex: `POST /api/v1/otlp/v1/logs`."""

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
    """Store the model requests in log records, each once, also if a trace reports it too.

    Accepts the usage events of Claude Code, Codex and Gemini CLI, and those of the GenAI conventions. A gateway's token
    reports requests of all persons, by email; a person's API key reports those of the person. All other records are
    ignored. A request may be sent again. The answer is sent after the data are stored.
    """
    reporter, body, is_json = sent
    logs = read_entries(reporter, lambda: read_logs(body, is_json=is_json, default_mode=reporter.mode))
    receipt = store(reporter, logs.entries, ignored=logs.ignored)
    answer = ExportLogsServiceResponse()
    if warning := warning_of(receipt):
        answer.partial_success.rejected_log_records = receipt.rejected
        answer.partial_success.error_message = warning
    return otlp_response(answer, is_json=is_json)
