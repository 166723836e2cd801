"""`POST /api/v1/usage/litellm`: what a real LiteLLM proxy sends, as it sends it."""

import gzip
import json
import logging
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from portal.db.metering.events import count_events
from portal.db.metering.held import held_events
from portal.db.metering.uncounted import rejected_reasons
from portal.db.metering.usage import UsageRow
from portal.db.people.keys import add_key
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.metering.usage import UsageFilter
from portal.views.metering.usage import load_usage
from tests.api.conftest import Client, everything
from tests.cast import Gateway, new_gateway, run, viewer_of

RECORDINGS = Path(__file__).parents[2] / "data" / "litellm"
ALICE = "ccaebe50b8f1a22c3de58569ef2a814c286f65c0514f238e176598f0640e12bb"
"""The digest of the key that the recordings were made with."""
AFTERWARDS = datetime(2026, 11, 22, 21, tzinfo=UTC)
"""After all recordings, on their day."""
JSON = {"Content-Type": "application/json"}

Post = Callable[..., Any]


def recorded(name: str) -> bytes:
    (path,) = RECORDINGS.glob(f"{name}-*.json")
    return str(json.loads(path.read_text(encoding="utf-8"))["body_text"]).encode()


@pytest.fixture(autouse=True)
def afterwards(clock: time_machine.Traveller) -> None:
    clock.move_to(AFTERWARDS)


@pytest.fixture
def post(client: Client, gateway: Gateway) -> Post:
    """Give a function that sends a batch as the gateway."""

    def send(body: bytes, headers: dict[str, str] | None = None, token: str = gateway.token) -> Any:
        sent = JSON | {"Authorization": f"Bearer {token}"} | (headers or {})
        return client.post("/api/v1/usage/litellm", content=body, headers=sent)

    return send


@pytest.fixture
def alices(alice: Account) -> Account:
    """Alice, with the key of the recordings."""
    run(add_key, alice.id, ALICE, "sk-alice-0001", "laptop", None, AFTERWARDS)
    return alice


def shown(account: Account) -> list[UsageRow]:
    """Return what the account sees of its requests, newest first."""
    return list(run(load_usage, viewer_of(account), UsageFilter(), AFTERWARDS, 50, None).rows)


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["result"] for each in answer.json()["results"]]


def test_recorded_request_is_shown_to_the_owner_of_its_key(alices: Account, post: Post) -> None:
    assert results(post(recorded("30"))) == ["accepted"]
    [row] = shown(alices)
    assert (row.model, row.provider_model, row.mode) == ("up-chat", "openai/gpt-4o", "native")
    assert (row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.reasoning_tokens) == (1200, 300, 1024, 192)
    assert (row.billable_tokens, row.key_label, row.status, row.latency_ms) == (1500, "laptop", "ok", 691)


def test_a_batch_that_comes_again_is_counted_once(alices: Account, post: Post) -> None:
    assert results(post(recorded("25"))) == ["accepted"] * 3
    assert results(post(recorded("25"))) == ["duplicate"] * 3
    assert [row.billable_tokens for row in shown(alices)] == [0, 0, 1500]
    assert [row.prompt_tokens + row.completion_tokens for row in shown(alices)] == [0, 1500, 1500]


def test_what_belongs_to_nobody_is_held_without_prompts_and_keys(alices: Account, post: Post) -> None:
    assert results(post(recorded("27")))[-1] == "unattributed"
    kept = "".join(held.body for held, _ in run(held_events))
    assert "tok_plain_secret_123" not in kept
    assert "messages" not in kept


@pytest.mark.parametrize(("name", "counted"), [("50", 3), ("51", 1), ("14", 1), ("10", 2)])
def test_every_way_of_writing_a_batch_is_read(alices: Account, post: Post, name: str, counted: int) -> None:
    body = recorded(name).replace(b"litellm_proxy_master_key", ALICE.encode())
    assert results(post(body)) == ["accepted"] * counted
    assert run(count_events) == counted


def test_rejected_events_are_logged(
    alices: Account, post: Post, caplog: pytest.LogCaptureFixture, clock: time_machine.Traveller
) -> None:
    clock.move_to(datetime(2026, 11, 22, 13, tzinfo=UTC))  # the gateway's clock is hours ahead
    assert results(post(recorded("30"))) == ["rejected"]
    assert "1 of 1 events rejected: requested_at lies more than 5 minutes in the future." in caplog.text


def test_the_mode_is_that_of_the_gateway(alices: Account, post: Post) -> None:
    token = new_gateway("moe-2", AFTERWARDS, "moe_orchestrated").token
    post(recorded("30"), token=token)
    assert [row.mode for row in shown(alices)] == ["moe_orchestrated"]


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("pack", "encoding"),
    [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (raw_deflate, "deflate"), (gzip.compress, "GZIP")],
)
def test_a_compressed_batch_is_unpacked(
    alices: Account, post: Post, pack: Callable[[bytes], bytes], encoding: str
) -> None:
    assert results(post(pack(recorded("30")), {"Content-Encoding": encoding})) == ["accepted"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"hello", {}, 400, id="no JSON"),
        pytest.param(b"[]", {}, 422, id="no events"),
        pytest.param(recorded("30"), {"Content-Encoding": "gzip"}, 400, id="not compressed at all"),
        pytest.param(gzip.compress(recorded("30"))[:-9], {"Content-Encoding": "gzip"}, 400, id="ends too early"),
        pytest.param(gzip.compress(b"[]") + b"more", {"Content-Encoding": "gzip"}, 400, id="ends too late"),
        pytest.param(gzip.compress(bytes(70_000_000)), {"Content-Encoding": "gzip"}, 413, id="a bomb"),
        pytest.param(recorded("30"), {"Content-Encoding": "br"}, 415, id="another compression"),
        pytest.param(recorded("30"), {"Content-Type": "text/plain"}, 415, id="another type"),
        pytest.param(recorded("30"), {"Authorization": "Bearer moe-gw-no"}, 401, id="a stranger"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(
    alices: Account, post: Post, db: Database, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = everything(db)
    assert post(body, headers).status_code == status
    assert everything(db) == before


def test_temporary_failure_is_answered_and_stores_nothing(
    alices: Account, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with monkeypatch.context() as trouble:
        trouble.setattr("portal.actions.metering.usage.insert_events", broken)
        answer = post(recorded("30"))
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert run(count_events) == 0
    assert results(post(recorded("30"))) == ["accepted"]


def test_a_body_of_several_megabytes_is_taken_and_not_logged(
    alices: Account, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    [event] = json.loads(recorded("30"))
    event["messages"] = [{"role": "user", "content": "a very long secret " * 300_000}]
    with caplog.at_level(logging.DEBUG):
        assert results(post(json.dumps([event] * 2).encode())) == ["accepted", "duplicate"]
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        pytest.param(b"[]", {"Content-Type": "text/plain"}, "Send the body as", id="of another type"),
        pytest.param(b"[]", {"Content-Encoding": "gzip"}, "is not compressed with gzip", id="not compressed"),
        pytest.param(b"nonsense", {}, "no JSON object", id="no JSON"),
        pytest.param(b"", {}, "There are no events", id="empty"),
    ],
)
def test_reason_for_a_refused_body_is_kept_for_the_gateway_page(
    gateway: Gateway, post: Post, body: bytes, headers: dict[str, str], sentence: str
) -> None:
    assert 400 <= post(body, headers).status_code < 500
    (kept,) = run(rejected_reasons, gateway.id)
    assert kept.reason.startswith("All that was sent at once: ")
    assert sentence in kept.reason


def test_a_stranger_leaves_no_trace(gateway: Gateway, post: Post) -> None:
    assert post(b"nonsense", token="moe-gw-" + "0" * 48).status_code == 401
    assert run(rejected_reasons, gateway.id) == []


def test_a_batch_with_all_texts_is_taken_by_the_whole_portal(
    db: Database, alices: Account, gateway: Gateway, browser: TestClient
) -> None:
    event = json.loads(recorded("30"))[0]
    batch = json.dumps([event | {"id": f"r-{n}", "messages": "x" * 30_000} for n in range(400)]).encode()
    assert len(batch) > 11_000_000
    headers = JSON | {"Authorization": f"Bearer {gateway.token}"}
    answer = browser.post("/api/v1/usage/litellm", content=batch, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 400)
