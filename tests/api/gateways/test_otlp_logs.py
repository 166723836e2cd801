"""`POST /api/v1/otlp/v1/logs` and `/metrics`: the SDK's own exporters on a real socket, and what else may come."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord as SdkRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from starlette.types import ASGIApp

from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey
from portal.db.metering.events import count_events
from portal.db.metering.held import held_events
from portal.db.metering.uncounted import rejected_reasons
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import settings as portal_settings
from tests.api.conftest import As, Client, everything
from tests.api.gateways.test_otlp_traces import JSON, PROTOBUF, served
from tests.cast import NOW, Gateway, run
from tests.gateways.otlp_bodies import Sent, in_json
from tests.gateways.otlp_log_bodies import (
    CLAUDE_CODE,
    CODEX,
    Record,
    logs_in_json,
    logs_in_protobuf,
    metrics_in_json,
    metrics_in_protobuf,
)
from tests.queries import count_held

START = int(NOW.timestamp()) * 10**9
LOGS, METRICS, TRACES = (f"/api/v1/otlp/v1/{signal}" for signal in ("logs", "metrics", "traces"))
API_REQUEST = "claude_code.api_request"
CONVENTION = "gen_ai.client.inference.operation.details"
CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A time that goes on: exporters wait for it."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def address(app: ASGIApp) -> Iterator[str]:
    with served(app) as found:
        yield found


def used(as_: As, account: Account) -> int:
    tokens: int = as_(account).get("/user/api/budget").json()["total_used"]
    return tokens


def shown(as_: As, account: Account) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = as_(account).get("/user/api/usage").json()["items"]
    return items


@pytest.mark.parametrize("compression", Compression)
def test_logs_of_the_sdk_count_for_the_person(
    alice: Account, alices_key: NewKey, address: str, as_: As, compression: Compression
) -> None:
    headers = {"Authorization": f"Bearer {alices_key.secret}"}
    provider = LoggerProvider()
    exporter = OTLPLogExporter(f"{address}{LOGS}", headers=headers, compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("com.anthropic.claude_code.events")
    logger.emit(SdkRecord(timestamp=START, body=API_REQUEST, attributes=CLAUDE_CODE))
    logger.emit(SdkRecord(timestamp=START, body="claude_code.user_prompt", attributes={"event.name": "user_prompt"}))
    logger.emit(SdkRecord(timestamp=START, attributes=CODEX))
    provider.shutdown()
    assert used(as_, alice) == 26_012 + 9_300
    assert [(item["model"], item["latency_ms"]) for item in shown(as_, alice)] == [
        ("gpt-5-codex", None),
        ("claude-z", 4000),
    ]
    assert run(lambda session: list(verify_account(session, alice.id, portal_settings().budget_zone))) == []


def test_environment_is_all_that_claude_code_needs(
    alice: Account, alices_key: NewKey, address: str, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{address}/api/v1/otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{alices_key.secret}")
    logs, meters = LoggerProvider(), MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter()))
    logs.get_logger("x").emit(SdkRecord(timestamp=START, body=API_REQUEST, attributes=CLAUDE_CODE))
    meters.get_meter("x").create_counter("claude_code.token.usage").add(26_012, {"type": "input"})
    logs.shutdown()
    meters.shutdown()
    assert used(as_, alice) == 26_012


def test_event_of_the_conventions_counts_once_with_its_span(
    alice: Account, alices_key: NewKey, address: str, as_: As
) -> None:
    headers = {"Authorization": f"Bearer {alices_key.secret}"}
    spans, logs = TracerProvider(), LoggerProvider()
    spans.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{address}{TRACES}", headers=headers)))
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{address}{LOGS}", headers=headers)))
    with spans.get_tracer("x").start_as_current_span("chat gpt-5") as span:
        span.set_attributes(CALL)
        logs.get_logger("x").emit(SdkRecord(event_name=CONVENTION, attributes=CALL))
    for provider in (spans, logs):
        provider.shutdown()
    assert used(as_, alice) == 120
    assert run(count_held) == {}


Post = Callable[..., Any]


@pytest.fixture
def post(client: Client, gateway: Gateway) -> Post:
    """Give a function that sends a request as the gateway."""

    def send(path: str, body: bytes, kind: str = JSON, token: str = gateway.token, **headers: str) -> Any:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": kind, "Authorization": f"Bearer {token}"} | more
        return client.post(path, content=body, headers=sent)

    return send


def claude(**changes: Any) -> Record:
    return Record(CLAUDE_CODE | {"portal.username": "alice"} | changes, API_REQUEST, time=START)


SPAN = {
    "span.type": "llm_request",
    "session.id": "s-1",
    "portal.username": "alice",
    "gen_ai.request.model": "claude-z",
    "model": "claude-z",
    "input_tokens": 12,
    "output_tokens": 300,
    "cache_read_tokens": 25_000,
    "cache_creation_tokens": 700,
    "duration_ms": 4_321,
    "request_id": "req_2",
}


def trace(**changes: Any) -> bytes:
    return in_json(Sent(SPAN | changes, start=START - 10**10, end=START + 10**7))


@pytest.mark.parametrize("trace_first", [True, False])
@pytest.mark.parametrize("request_id", ["req_2", ""])
def test_claude_codes_span_and_log_count_once(
    alice: Account, post: Post, as_: As, trace_first: bool, request_id: str
) -> None:
    sent = [(TRACES, trace(request_id=request_id)), (LOGS, logs_in_json(claude(request_id=request_id)))]
    for path, body in [*(sent if trace_first else reversed(sent)), *sent]:
        answer = post(path, body)
        assert (answer.status_code, answer.json()) == (200, {})
    assert (used(as_, alice), len(shown(as_, alice))) == (26_012, 1)
    assert run(count_held) == {}
    assert post(LOGS, logs_in_json(claude(request_id="req_3"))).json() == {}
    assert used(as_, alice) == 2 * 26_012


def test_span_and_log_of_nobody_are_held_and_counted_once(alice: Account, post: Post) -> None:
    post(LOGS, logs_in_json(claude(**{"portal.username": "nobody"})))
    post(TRACES, trace())
    assert run(count_held) == {}
    assert run(count_events) == 1


def test_person_owns_all_logs_whatever_email_is_in_them(
    alice: Account, bob: Account, alices_key: NewKey, post: Post, as_: As
) -> None:
    record = claude(**{"portal.username": "bob", "user.email": "bob@example.org"})
    assert post(LOGS, logs_in_json(record), token=alices_key.secret).json() == {}
    assert (used(as_, alice), used(as_, bob)) == (26_012, 0)


def test_space_may_come_as_exporters_are_configured_with_it(alice: Account, gateway: Gateway, post: Post) -> None:
    assert post(LOGS, logs_in_json(claude()), Authorization=f"Bearer%20{gateway.token}").json() == {}
    assert post(LOGS, b"{}", Authorization="Bearer%20%20").status_code == 401


FORMS = pytest.mark.parametrize("kind", [PROTOBUF, JSON])


def logs(kind: str, *records: Record) -> bytes:
    return (logs_in_json if kind == JSON else logs_in_protobuf)(*records)


def metrics(kind: str, *names: str) -> bytes:
    return (metrics_in_json if kind == JSON else metrics_in_protobuf)(*names)


@FORMS
def test_accepted_records_are_answered_with_nothing(alice: Account, post: Post, as_: As, kind: str) -> None:
    for path, body in ((LOGS, logs(kind, claude())), (METRICS, metrics(kind, "a", "b")), (LOGS, b""), (METRICS, b"")):
        answer = post(path, body or (b"{}" if kind == JSON else b""), kind)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content == (b"{}" if kind == JSON else b"")
    assert used(as_, alice) == 26_012


@FORMS
def test_rejected_record_is_named_with_its_reason(alice: Account, post: Post, gateway: Gateway, kind: str) -> None:
    bad = claude(input_tokens="many")
    answer = post(LOGS, logs(kind, claude(), bad, Record({}, "hello", time=START)), kind)
    if kind == JSON:
        partial = answer.json()["partialSuccess"]
        rejected, message = int(partial["rejectedLogRecords"]), partial["errorMessage"]
    else:
        partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
        rejected, message = partial.rejected_log_records, partial.error_message
    assert rejected == 1
    assert message.startswith("1 of 2 rejected: input_tokens must be a whole number")
    assert len(run(rejected_reasons, gateway.id)) == 1
    assert run(count_events) == 1


def test_person_that_nobody_knows_is_kept_and_warned_of(post: Post) -> None:
    answer = post(LOGS, logs_in_json(claude(**{"portal.username": "", "user.email": "eve@example.org"})))
    assert answer.json()["partialSuccess"]["errorMessage"].startswith("1 of 1 unattributed: ")
    [(held, _)] = run(held_events)
    assert "eve@example.org" in held.body


def test_metrics_are_never_counted(alice: Account, post: Post, gateway: Gateway) -> None:
    answer = post(METRICS, metrics_in_protobuf("claude_code.token.usage", "claude_code.cost.usage"), PROTOBUF)
    assert ExportMetricsServiceResponse.FromString(answer.content) == ExportMetricsServiceResponse()
    assert run(count_events) == 0
    assert run(count_held) == {}


@pytest.mark.parametrize(("pack", "encoding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
def test_bodies_may_be_compressed(
    alice: Account, post: Post, as_: As, pack: Callable[[bytes], bytes], encoding: str
) -> None:
    assert post(LOGS, pack(logs_in_json(claude())), Content_Encoding=encoding).status_code == 200
    assert post(METRICS, pack(metrics_in_json("a")), Content_Encoding=encoding).status_code == 200
    assert used(as_, alice) == 26_012


GOOD = logs_in_protobuf(claude())


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param(LOGS, b"hello", {"kind": PROTOBUF}, 400, id="no protobuf"),
        pytest.param(LOGS, GOOD[:-1], {"kind": PROTOBUF}, 400, id="cut short"),
        pytest.param(LOGS, GOOD, {}, 400, id="protobuf that says it is JSON"),
        pytest.param(LOGS, b'{"resourceLogs": 1}', {}, 400, id="no list"),
        pytest.param(METRICS, b"hello", {"kind": PROTOBUF}, 400, id="metrics: no protobuf"),
        pytest.param(METRICS, metrics_in_protobuf("a")[:-1], {"kind": PROTOBUF}, 400, id="metrics: cut short"),
        pytest.param(METRICS, b"[]", {}, 400, id="metrics: a list"),
        pytest.param(METRICS, b'{"resourceMetrics": [{"scopeMetrics": 7}]}', {}, 400, id="metrics: no list inside"),
        pytest.param(LOGS, logs_in_protobuf(*[Record({})] * 10_001), {"kind": PROTOBUF}, 413, id="too many"),
        pytest.param(METRICS, metrics_in_protobuf(*["a"] * 10_001), {"kind": PROTOBUF}, 413, id="too many metrics"),
        pytest.param(LOGS, GOOD, {"kind": "text/plain"}, 415, id="another type"),
        pytest.param(METRICS, b"{}", {"Content_Encoding": "br"}, 415, id="another compression"),
        pytest.param(LOGS, b"{}", {"token": "moe-gw-no"}, 401, id="a stranger"),
        pytest.param(METRICS, b"{}", {"token": "moe-sk-" + "0" * 48}, 401, id="a key that nobody has"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(
    alice: Account, post: Post, db: Database, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = everything(db)
    assert post(path, body, **headers).status_code == status
    assert everything(db) == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), kind=st.sampled_from([PROTOBUF, JSON]))
def test_changed_byte_is_never_our_fault(alice: Account, post: Post, at: int, byte: int, kind: str) -> None:
    body = bytearray(logs(kind, claude()))
    body[at] = byte
    assert post(LOGS, bytes(body), kind).status_code in {200, 400}
    body = bytearray(metrics(kind, "claude_code.token.usage"))
    body[at % len(body)] = byte
    assert post(METRICS, bytes(body), kind).status_code in {200, 400}


def test_other_methods_are_refused(client: Client) -> None:
    for path in (LOGS, METRICS):
        assert client.get(path).status_code == 405
    assert client.post("/api/v1/otlp/v1/profiles").status_code == 404


def test_spans_in_a_request_of_logs_are_not_read(alice: Account, post: Post, as_: As) -> None:
    assert post(LOGS, trace()).json() == {}
    assert used(as_, alice) == 0
