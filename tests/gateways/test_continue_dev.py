import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.errors import InvalidInput
from portal.gateways.continue_dev import read_continue
from portal.rules.metering.usage import Rejected, UsageReport

TOKENS = {
    "timestamp": "2026-11-22T14:05:00.123Z",
    "userId": "",
    "userAgent": "Visual Studio Code/1.109.0 (Continue/1.3.9)",
    "selectedProfileId": "local",
    "eventName": "tokensGenerated",
    "schema": "0.2.0",
    "model": "qwen3:8b",
    "provider": "ollama",
    "promptTokens": 1200,
    "generatedTokens": 48,
}
OLD_SCHEMA = {name: TOKENS[name] for name in ("model", "provider", "promptTokens", "generatedTokens")}


def event(data: dict[str, Any], name: str = "tokensGenerated", **values: Any) -> bytes:
    """Return the body that Continue sends."""
    sent = {"name": name, "data": data, "schema": "0.2.0", "level": "noCode", "profileId": "local", **values}
    return json.dumps(sent).encode()


def taken(body: bytes) -> UsageReport:
    found = read_continue(body, "once:1", "continue")
    assert isinstance(found, UsageReport), found
    return found


def test_event_with_tokens_is_a_request() -> None:
    report = taken(event(TOKENS))
    assert (report.model, report.provider_model, report.mode) == ("qwen3:8b", "ollama/qwen3:8b", "continue")
    assert (report.prompt_tokens, report.completion_tokens, report.without_counts) == (1200, 48, None)
    assert report.requested_at == datetime(2026, 11, 22, 14, 5, 0, 123000, UTC)
    assert (report.key_hash, report.username) == (None, None)


def test_id_is_that_of_the_content() -> None:
    assert taken(event(TOKENS)).id == taken(event(TOKENS)).id
    assert taken(event(TOKENS)).id == "sha256:2e6ad45d574b1b8218133e54263b1fb78ba6e1045039bc8a0341c6581a2dd083"
    assert taken(event(TOKENS | {"generatedTokens": 49})).id != taken(event(TOKENS)).id
    assert taken(event(TOKENS | {"timestamp": "2026-11-22T14:05:00.124Z"})).id != taken(event(TOKENS)).id


def test_older_schema_has_neither_time_nor_id() -> None:
    report = taken(event(OLD_SCHEMA, schema="0.1.0"))
    assert (report.id, report.requested_at, report.total_tokens) == ("once:1", None, 1248)


def test_event_without_any_tokens_is_a_call_without_counts() -> None:
    assert taken(event(TOKENS | {"promptTokens": 0, "generatedTokens": 0})).without_counts is True


@pytest.mark.parametrize("name", ["chatInteraction", "autocomplete", "editOutcome", "toolUsage"])
def test_other_events_are_no_requests(name: str) -> None:
    assert read_continue(event({"prompt": "A secret", "modelName": "qwen3:8b"}, name), "once:1", "continue") is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param({"model": ""}, "model is missing.", id="no model"),
        pytest.param({"promptTokens": None}, "promptTokens is missing.", id="no prompt"),
        pytest.param({"generatedTokens": -1}, "generatedTokens must be a whole number", id="a negative count"),
        pytest.param({"generatedTokens": 1.5}, "generatedTokens must be a whole number", id="half a token"),
        pytest.param({"timestamp": "yesterday"}, "timestamp is no instant.", id="no instant"),
    ],
)
def test_unclear_event_is_rejected(values: dict[str, Any], reason: str) -> None:
    found = read_continue(event(TOKENS | values), "once:1", "continue")
    assert isinstance(found, Rejected)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"name": "tokensGenerated"', id="cut off"),
        pytest.param(b'{"model": "qwen3:8b"}', id="no event"),
    ],
)
def test_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_continue(body, "once:1", "continue")
