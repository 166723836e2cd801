"""`POST /api/v1/otlp/v1/traces`: the exporter of OpenTelemetry's own SDK on a real socket, and what else may come."""

import gzip
import logging
import os
import re
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import time_machine
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey, revoke_key
from portal.db.metering.events import count_events
from portal.db.metering.held import held_events
from portal.db.metering.uncounted import rejected_reasons, uncounted_since
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import PortalError, Unavailable
from portal.settings import settings as portal_settings
from tests.api.conftest import As, Client, everything
from tests.cast import NOW, Gateway, acting, run
from tests.gateways.otlp_bodies import Sent, in_json, in_protobuf

PATH = "/api/v1/otlp/v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
EXAMPLE = Path(__file__).parents[3] / "examples" / "opentelemetry" / "report.py"
CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}
START = int(NOW.timestamp()) * 10**9


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A time that goes on: exporters wait for it."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app on a socket; give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def address(app: ASGIApp) -> Iterator[str]:
    """Where the API is on a real socket."""
    with served(app) as found:
        yield found


Export = Callable[..., OTLPSpanExporter]


@pytest.fixture
def exporter(address: str) -> Export:
    """Give a function that makes the SDK's exporter as a program would."""

    def make(token: str, **options: Any) -> OTLPSpanExporter:
        return OTLPSpanExporter(f"{address}{PATH}", headers={"Authorization": f"Bearer {token}"}, **options)

    return make


def program(processor: SpanProcessor, **resource: Any) -> TracerProvider:
    """Return what an instrumented program sets up."""
    provider = TracerProvider(resource=Resource({key.replace("__", "."): value for key, value in resource.items()}))
    provider.add_span_processor(processor)
    return provider


def chat(provider: TracerProvider, **attributes: Any) -> None:
    """Call a model, inside a step of the program that is no call."""
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("answer a question"), tracer.start_as_current_span("chat gpt-4o") as span:
        span.set_attributes(CALL | {name.replace("__", "."): value for name, value in attributes.items()})


def finished(**attributes: Any) -> list[ReadableSpan]:
    """Return the spans of a program that has called a model once."""
    memory = InMemorySpanExporter()
    chat(program(SimpleSpanProcessor(memory)), **attributes)
    return list(memory.get_finished_spans())


def used(as_: As, account: Account) -> int:
    tokens: int = as_(account).get("/user/api/budget").json()["daily_used"]
    return tokens


def shown(as_: As, account: Account) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = as_(account).get("/user/api/usage").json()["items"]
    return items


@pytest.mark.parametrize("compression", Compression)
def test_a_gateways_spans_count_for_whom_it_names(
    alice: Account, gateway: Gateway, exporter: Export, as_: As, compression: Compression
) -> None:
    provider = program(BatchSpanProcessor(exporter(gateway.token, compression=compression)), service__name="gateway")
    for response in ("r-1", "r-2"):
        chat(provider, portal__username="alice", gen_ai__response__id=response, gen_ai__conversation__id="c-1")
    provider.shutdown()
    assert used(as_, alice) == 240
    assert [(item["model"], item["mode"], item["status"]) for item in shown(as_, alice)] == [
        ("gpt-4o", "native", "ok")
    ] * 2
    assert run(uncounted_since, gateway.id, NOW.date())[2:] == (0, 2)
    assert run(lambda session: list(verify_account(session, alice.id, portal_settings().budget_zone))) == []


def test_a_persons_spans_are_the_persons_own_whatever_they_say(
    alice: Account, bob: Account, alices_key: NewKey, exporter: Export, as_: As
) -> None:
    provider = program(SimpleSpanProcessor(exporter(alices_key.secret)), portal__username="bob")
    chat(provider, portal__cost_factor="0", portal__template="free", user__id="bob")
    provider.shutdown()
    assert (used(as_, alice), used(as_, bob)) == (120, 0)
    [item] = shown(as_, alice)
    assert (item["billable_tokens"], item["template"], item["api_key"]["label"]) == (120, None, "Alice's laptop")


def test_instrumented_program_needs_only_its_environment(
    alice: Account, alices_key: NewKey, address: str, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{address}/api/v1/otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{alices_key.secret}")
    provider = program(SimpleSpanProcessor(OTLPSpanExporter()))
    chat(provider)
    provider.shutdown()
    assert used(as_, alice) == 120


def test_a_failed_call_is_shown_without_tokens(alice: Account, alices_key: NewKey, exporter: Export, as_: As) -> None:
    provider = program(SimpleSpanProcessor(exporter(alices_key.secret)))
    with provider.get_tracer("test").start_as_current_span("chat") as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "error.type": "429"})
        span.set_status(StatusCode.ERROR, "a secret")
    provider.shutdown()
    assert [(item["total_tokens"], item["status"]) for item in shown(as_, alice)] == [(0, "429")]


def test_a_batch_that_is_sent_again_is_counted_once(
    alice: Account, gateway: Gateway, exporter: Export, as_: As
) -> None:
    spans = finished(portal__username="alice")
    assert [exporter(gateway.token).export(spans) for _ in range(2)] == [SpanExportResult.SUCCESS] * 2
    assert used(as_, alice) == 120


def test_trouble_that_passes_makes_the_exporter_come_again(
    alice: Account, alices_key: NewKey, exporter: Export, as_: As
) -> None:
    refused = []

    def soon(self: PortalError, detail: str | None = None) -> None:
        refused.append(self)
        PortalError.__init__(self, detail, retry_after=0)
        trouble.undo()

    def broken(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with pytest.MonkeyPatch.context() as trouble:
        trouble.setattr(Unavailable, "__init__", soon)
        trouble.setattr("portal.actions.metering.usage.insert_events", broken)
        assert exporter(alices_key.secret).export(finished()) is SpanExportResult.SUCCESS
    assert len(refused) == 1
    assert used(as_, alice) == 120


def test_exporter_without_access_gets_401_and_stops(
    alice: Account, alices_key: NewKey, exporter: Export, caplog: pytest.LogCaptureFixture
) -> None:
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    assert exporter(alices_key.secret).export(finished()) is SpanExportResult.FAILURE
    assert "401" in caplog.text
    assert run(count_events) == 0


Post = Callable[..., Any]


@pytest.fixture
def post(client: Client, gateway: Gateway) -> Post:
    """Give a function that sends a request as the gateway."""

    def send(body: bytes, kind: str = PROTOBUF, token: str = gateway.token, **headers: str) -> Any:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": kind, "Authorization": f"Bearer {token}"} | more
        return client.post(PATH, content=body, headers=sent)

    return send


def call(id: int = 1, **changes: Any) -> Sent:
    """Return a call of Alice's."""
    renamed = {name.replace("__", "."): value for name, value in changes.items()}
    attributes = CALL | {"portal.username": "alice"} | renamed
    start = attributes.pop("start", START)
    return Sent(attributes, id=f"{id:016x}", start=start, end=start + 10**9)


def partial(answer: Any) -> tuple[int, str]:
    """Return what an answer says was rejected, in either form."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == JSON:
        partial = answer.json().get("partialSuccess", {})
        return int(partial.get("rejectedSpans", "0")), partial.get("errorMessage", "")
    assert answer.headers["content-type"] == PROTOBUF
    response = ExportTraceServiceResponse.FromString(answer.content)
    return response.partial_success.rejected_spans, response.partial_success.error_message


FORMS = pytest.mark.parametrize(("write", "kind"), [(in_protobuf, PROTOBUF), (in_json, JSON)])
Write = Callable[..., bytes]


@FORMS
def test_accepted_spans_get_an_empty_answer_in_the_same_form(
    alice: Account, post: Post, as_: As, write: Write, kind: str
) -> None:
    answer = post(write(call()), kind)
    assert answer.headers["content-type"] == kind
    assert answer.content == (b"{}" if kind == JSON else b"")
    assert used(as_, alice) == 120


@FORMS
def test_a_request_without_usage_is_taken_too(post: Post, gateway: Gateway, write: Write, kind: str) -> None:
    assert partial(post(write(), kind)) == (0, "")
    assert partial(post(write(Sent({"http.request.method": "GET"})), kind)) == (0, "")
    assert run(uncounted_since, gateway.id, NOW.date())[2:] == (0, 1)
    assert partial(post(b"{}" if kind == JSON else b"", kind)) == (0, "")


@FORMS
def test_rejected_spans_are_counted_and_kept_with_a_reason(
    alice: Account, post: Post, gateway: Gateway, write: Write, kind: str
) -> None:
    ahead = START + 3 * 3600 * 10**9
    spans = [call(1), call(2, start=ahead), call(3, gen_ai__usage__input_tokens=-1), Sent({})]
    assert partial(post(write(*spans), kind)) == (
        2,
        "2 of 3 rejected: requested_at lies more than 5 minutes in the future.",
    )
    kept = {(each.example_id or "")[-1:]: each.reason for each in run(rejected_reasons, gateway.id)}
    assert kept["2"] == "requested_at lies more than 5 minutes in the future."
    assert kept["3"].startswith("gen_ai.usage.input_tokens must be a whole number")
    assert run(uncounted_since, gateway.id, NOW.date())[2:] == (2, 1)
    assert run(count_events) == 1


@FORMS
def test_what_belongs_to_nobody_is_kept_and_warned_of(post: Post, write: Write, kind: str) -> None:
    body = write(call(1, portal__api_key="sk-unknown"), call(2, portal__username="nobody"))
    rejected, message = partial(post(body, kind))
    assert rejected == 0
    assert message.startswith("2 of 2 unattributed: No account has this key or user name")
    kept = [held.body for held, _ in run(held_events)]
    assert len(kept) == 2
    assert "sk-unknown" not in "".join(kept)


def test_the_same_span_with_other_figures_is_kept_apart(alice: Account, post: Post, as_: As) -> None:
    post(in_protobuf(call()))
    rejected, message = partial(post(in_json(call(gen_ai__usage__input_tokens=7)), JSON))
    assert (rejected, message[:18]) == (0, "1 of 1 conflict: T")
    assert partial(post(in_json(call()), JSON)) == (0, "")
    assert used(as_, alice) == 120


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("pack", "encoding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (raw_deflate, "deflate")]
)
def test_json_may_be_compressed_too(
    alice: Account, post: Post, as_: As, pack: Callable[[bytes], bytes], encoding: str
) -> None:
    assert partial(post(pack(in_json(call())), "application/json; charset=utf-8", Content_Encoding=encoding))[0] == 0
    assert used(as_, alice) == 120


GOOD = in_protobuf(call())


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"hello", {}, 400, id="no protobuf"),
        pytest.param(GOOD[:-1], {}, 400, id="protobuf cut short"),
        pytest.param(in_json(call()), {}, 400, id="JSON that says it is protobuf"),
        pytest.param(GOOD, {"kind": JSON}, 400, id="protobuf that says it is JSON"),
        pytest.param(b"[]", {"kind": JSON}, 400, id="a list"),
        pytest.param(b'{"resourceSpans":' + b"[" * 100_000, {"kind": JSON}, 400, id="lists in lists"),
        pytest.param(GOOD, {"Content_Encoding": "gzip"}, 400, id="not compressed at all"),
        pytest.param(gzip.compress(GOOD)[:-9], {"Content_Encoding": "gzip"}, 400, id="ends too early"),
        pytest.param(zlib.compress(GOOD), {"Content_Encoding": "gzip"}, 400, id="compressed in another way"),
        pytest.param(gzip.compress(bytes(70_000_000)), {"Content_Encoding": "gzip"}, 413, id="a bomb"),
        pytest.param(
            gzip.compress(b" " * 21_000_000), {"kind": JSON, "Content_Encoding": "gzip"}, 413, id="a bomb of JSON"
        ),
        pytest.param(in_protobuf(*[Sent({})] * 10_001), {}, 413, id="too many spans"),
        pytest.param(GOOD, {"Content_Encoding": "br"}, 415, id="another compression"),
        pytest.param(GOOD, {"kind": "text/plain"}, 415, id="another type"),
        pytest.param(GOOD, {"kind": ""}, 415, id="no type"),
        pytest.param(GOOD, {"token": "moe-gw-no"}, 401, id="a stranger"),
        pytest.param(GOOD, {"token": "moe-sk-" + "0" * 48}, 401, id="a key that nobody has"),
        pytest.param(GOOD, {"Authorization": ""}, 401, id="no token"),
        pytest.param(GOOD, {"Authorization": "Basic YTpi"}, 401, id="another way to sign in"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(
    alice: Account, post: Post, db: Database, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = everything(db)
    assert post(body, **headers).status_code == status
    assert everything(db) == before


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), kind=st.sampled_from([PROTOBUF, JSON]))
def test_a_changed_byte_is_never_our_fault(alice: Account, post: Post, at: int, byte: int, kind: str) -> None:
    body = bytearray(GOOD if kind == PROTOBUF else in_json(call()))
    body[at] = byte
    assert post(bytes(body), kind).status_code in {200, 400}


def test_other_methods_and_addresses_are_refused(client: Client) -> None:
    assert client.get(PATH).status_code == 405
    assert client.post("/api/v1/otlp/v1/profiles").status_code == 404


def test_prompts_and_keys_are_neither_kept_nor_logged(
    alice: Account, post: Post, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    attributes = {
        "gen_ai__prompt__0__content": "a secret",
        "portal__api_key": "sk-secret",
        "gen_ai__usage__input_tokens": "x",
    }
    with caplog.at_level(logging.DEBUG):
        post(in_protobuf(call(1, **attributes), call(2, gen_ai__completion="a secret")))
    assert "1 of 2 events rejected" in caplog.text
    assert "secret" not in caplog.text
    assert "secret" not in repr(everything(db))


async def model_server(scope: Any, receive: Any, send: Any) -> None:
    """Answer like a server of models."""
    await JSONResponse(
        {
            "id": "chatcmpl-1",
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"message": {"content": "It depends."}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        }
    )(scope, receive, send)


def test_the_example_reports_what_it_used(
    alice: Account, alices_key: NewKey, address: str, as_: As, clock: time_machine.Traveller
) -> None:
    variables = re.findall(r"\n    export (OTEL_\w+(?:ENDPOINT|HEADERS))=(\S+)", EXAMPLE.read_text("utf-8"))
    own = {"http://127.0.0.1:8080": address, "moe-sk-…": alices_key.secret}
    environment = {name: re.sub("|".join(own), lambda found: own[found[0]], value) for name, value in variables}
    clock.move_to(time_machine.escape_hatch.datetime.datetime.now(UTC))  # which it is for the other program
    with served(model_server) as models:
        done = subprocess.run(
            [sys.executable, EXAMPLE, "gpt-4o-mini", "What is a span?"],
            env=os.environ | environment | {"OPENAI_BASE_URL": models, "OPENAI_API_KEY": "sk-1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.stdout, done.stderr) == ("It depends.\n", "")
    [item] = shown(as_, alice)
    assert (item["model"], item["prompt_tokens"], item["completion_tokens"]) == ("gpt-4o-mini", 9, 4)
