"""OpenTelemetry metrics, which are accepted and ignored: `POST /api/v1/otlp/v1/metrics`."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from starlette.responses import Response

from portal.api.bodies import strict_router
from portal.api.gateways.otlp import OtlpBody, otlp_response, route_documentation
from portal.api.gateways.usage_ingest import read_entries, store
from portal.gateways.log_records import count_metrics

router = strict_router("Gateways")


@router.post(
    "/api/v1/otlp/v1/metrics",
    **route_documentation(
        "ExportMetricsServiceRequest",
        "resourceMetrics",
        "ExportMetricsServiceResponse",
        "rejectedDataPoints",
        "data points",
    ),
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
    return otlp_response(ExportMetricsServiceResponse(), is_json=is_json)
