"""What other programs' exports mean."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.api.account.usage_export import COLUMNS, ExportItem
from portal.imports.columns import make_plan
from portal.imports.formats.by_name import BY_NAME
from portal.imports.formats.litellm import LITELLM
from portal.imports.formats.new_api import NEW_API
from portal.imports.formats.portal_export import PORTAL
from portal.imports.formats.recognition import recognise
from portal.imports.reports import Skipped, read_reports
from portal.rules.metering.usage import Rejected, Replay, UsageReport
from portal.rules.people.secrets import digest

TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SPEND_LOG: dict[str, Any] = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "A" * 64,
    "spend": "0.000725",
    "total_tokens": "120",
    "prompt_tokens": "100",
    "completion_tokens": "20",
    "startTime": "2026-11-22 10:00:00.000",
    "endTime": "2026-11-22 10:00:01.250",
    "model": "openai/gpt-4o-2024-08-06",
    "model_group": "gpt-4o",
    "user": "alice",
    "end_user": "somebody else",
    "cache_hit": "False",
    "status": "success",
    "session_id": "s-1",
    "metadata": json.dumps(
        {
            "status": "success",
            "usage_object": {
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 16},
            },
        }
    ),
}
"""As PostgreSQL's COPY writes it."""
LOG: dict[str, Any] = {
    "id": 7,
    "user_id": 3,
    "created_at": 1795341600,
    "type": 2,
    "content": "model ratio 1.25",
    "username": "Alice",
    "token_name": "laptop",
    "model_name": "gpt-4o",
    "quota": 1500,
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "use_time": 2,
    "is_stream": True,
    "channel": 4,
    "token_id": 5,
    "group": "default",
    "other": json.dumps({"cache_tokens": 64, "is_model_mapped": True, "upstream_model_name": "gpt-4o-2024-08-06"}),
}


def read(row: dict[str, Any], **changes: Any) -> UsageReport | Rejected | Skipped | Replay:
    """Return what a row reports."""
    changed = {**row, **changes}
    [report] = read_reports([changed], make_plan(tuple(changed), {}, {}), "native")
    return report


def reported(row: dict[str, Any], **changes: Any) -> UsageReport:
    report = read(row, **changes)
    assert isinstance(report, UsageReport), report
    return report


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(tuple(SPEND_LOG), LITELLM, id="LiteLLM"),
        pytest.param([column.lower() for column in SPEND_LOG], LITELLM, id="through a database without capitals"),
        pytest.param(
            [c for c in SPEND_LOG if c not in {"status", "session_id", "model_group"}], LITELLM, id="an old one"
        ),
        pytest.param(tuple(LOG), NEW_API, id="New-API"),
        pytest.param(
            (*(c for c in LOG if c not in {"use_time", "other", "group"}), "elapsed_time"), NEW_API, id="One-API"
        ),
        pytest.param(COLUMNS, PORTAL, id="our own CSV"),
        pytest.param(tuple(ExportItem.model_fields), PORTAL, id="our own JSON lines"),
        pytest.param(("id", "model", "prompt_tokens"), BY_NAME, id="anything else"),
    ],
)
def test_formats_are_recognised(columns: list[str], expected: object) -> None:
    assert recognise(columns) is expected


# LiteLLM


def test_a_spend_log_says_what_litellm_would_have_reported() -> None:
    assert reported(SPEND_LOG) == UsageReport(
        id="chatcmpl-1",
        key_hash="a" * 64,
        model="gpt-4o",
        provider_model="openai/gpt-4o-2024-08-06",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=64,
        reasoning_tokens=16,
        status="ok",
        requested_at=TEN,
        latency_ms=1250,
        session_id="s-1",
        fallback_names=("alice",),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"cache_hit": "True"}, {"cost_factor": Decimal(0)}, id="nothing was spent on a hit of its cache"),
        pytest.param({"cache_hit": "None"}, {"cost_factor": None}, id="and else nobody knows the factor"),
        pytest.param(
            {"api_key": "litellm_proxy_master_key"}, {"key_hash": digest("litellm_proxy_master_key")}, id="an alias"
        ),
        pytest.param({"api_key": ""}, {"key_hash": digest("")}, id="no key is a key that nobody has"),
        pytest.param({"model_group": ""}, {"model": "openai/gpt-4o-2024-08-06", "provider_model": None}, id="no group"),
        pytest.param(
            {"model_group": None, "model": "gpt-4o"}, {"model": "gpt-4o", "provider_model": None}, id="no other name"
        ),
        pytest.param({"request_duration_ms": "900"}, {"latency_ms": 900}, id="what it measured itself"),
        pytest.param({"endTime": ""}, {"latency_ms": None}, id="no end"),
        pytest.param({"endTime": "2026-11-22 09:00:00"}, {"latency_ms": None}, id="an end before the start"),
        pytest.param(
            {"startTime": "2026-11-22T11:00:00+01:00"}, {"requested_at": TEN}, id="as its API writes instants"
        ),
        pytest.param({"startTime": TEN.replace(tzinfo=None)}, {"requested_at": TEN}, id="as Parquet has them"),
        pytest.param(
            {"metadata": "{cut sh"}, {"cached_tokens": 0, "reasoning_tokens": 0}, id="metadata that are broken"
        ),
        pytest.param(
            {"metadata": {"additional_usage_values": {"prompt_tokens_details": {"cached_tokens": 640}}}},
            {"prompt_tokens": 740, "cached_tokens": 640},
            id="older metadata, which prove that the prompt leaves them out",
        ),
        pytest.param({"request_id": "r" * 257}, {"id": f"sha256:{digest('r' * 257)}"}, id="an id that is too long"),
    ],
)
def test_spend_logs(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    report = reported(SPEND_LOG, **changes)
    assert {name: getattr(report, name) for name in expected} == expected


FAILURE = {
    "status": "failure",
    "total_tokens": "0",
    "prompt_tokens": "0",
    "completion_tokens": "0",
    "metadata": json.dumps({"error_information": {"error_code": "429", "error_class": "RateLimitError"}}),
}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, "429 RateLimitError", id="with its reason"),
        pytest.param({"metadata": "{}"}, "failure", id="without"),
        pytest.param({"status": None, "metadata": '{"status": "failure"}'}, "failure", id="in the metadata only"),
    ],
)
def test_a_failure_is_an_event_without_tokens(changes: dict[str, Any], status: str) -> None:
    report = reported(SPEND_LOG, **{**FAILURE, **changes})
    assert (report.status, report.total_tokens) == (status, 0)


def test_a_failure_before_a_model_was_chosen_is_no_usage() -> None:
    assert read(SPEND_LOG, **FAILURE, model="", model_group="") == Skipped("failed before a model was chosen")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"prompt_tokens": ""}, "prompt_tokens is missing.", id="unknown tokens are no zero"),
        pytest.param({"model": "", "model_group": ""}, "model must not be empty.", id="a success without a model"),
        pytest.param({"startTime": "yesterday"}, "requested_at is no date and time", id="no start"),
        pytest.param({"request_id": ""}, "id is missing.", id="no id"),
    ],
)
def test_spend_logs_that_are_no_use(changes: dict[str, Any], reason: str) -> None:
    report = read(SPEND_LOG, **changes)
    assert isinstance(report, Rejected)
    assert reason in report.reason


def test_spend_logs_mapped_to_user_names_ignore_keys() -> None:
    how = make_plan(tuple(SPEND_LOG), {"username": "user"}, {})
    [report] = read_reports([SPEND_LOG], how, "native")
    assert isinstance(report, UsageReport)
    assert (report.username, report.key_hash) == ("alice", None)


# New-API


def test_a_log_says_who_used_what() -> None:
    assert reported(LOG) == UsageReport(
        id="7",
        username="alice",
        model="gpt-4o",
        provider_model="gpt-4o-2024-08-06",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=64,
        requested_at=TEN,
        latency_ms=2000,
    )


def test_the_same_log_as_csv_says_the_same() -> None:
    assert reported({name: str(value) for name, value in LOG.items()}) == reported(LOG)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(1, "top-ups"), (3, "changes by administrators"), (4, "of the system"), (5, "failed attempts"), (6, "refunds"),
     (0, "of type 0"), ("9", "of type 9")],
)  # fmt: skip
def test_other_logs_are_no_usage(kind: object, reason: str) -> None:
    assert read(LOG, type=kind, model_name="", prompt_tokens=None) == Skipped(reason)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param({}, (100, 0), id="nothing cached"),
        pytest.param({"cache_tokens": 64}, (100, 64), id="OpenAI counts the cached ones in"),
        pytest.param({"claude": True, "cache_tokens": 64}, (164, 64), id="Anthropic does not"),
        pytest.param({"usage_semantic": "anthropic", "cache_creation_tokens": 30}, (130, 0), id="nor those written"),
        pytest.param(
            {
                "claude": True,
                "cache_creation_tokens_5m": 20,
                "cache_creation_tokens_1h": 10,
                "cache_creation_tokens": 30,
            },
            (130, 0),
            id="which are given twice",
        ),
        pytest.param(
            {"claude": True, "cache_tokens": 64, "input_tokens_total": 170}, (170, 64), id="unless it says the sum"
        ),
        pytest.param({"cache_tokens": "64"}, (100, 0), id="no number"),
        pytest.param({"cache_tokens": 640}, (100, 100), id="never more than there are"),
    ],
)
def test_cached_tokens_are_part_of_the_prompt(other: dict[str, Any], expected: tuple[int, int]) -> None:
    report = reported(LOG, other=json.dumps(other))
    assert (report.prompt_tokens, report.cached_tokens) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"other": ""}, {"provider_model": None, "cached_tokens": 0}, id="nothing else is known"),
        pytest.param({"elapsed_time": 350, "use_time": None}, {"latency_ms": 350}, id="One-API's milliseconds"),
        pytest.param({"use_time": 0}, {"latency_ms": 0}, id="less than a second"),
    ],
)
def test_logs(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    report = reported(LOG, **changes)
    assert {name: getattr(report, name) for name in expected} == expected


# This portal


def test_portal_export_has_everything_but_the_account() -> None:
    cells = ["9", "2026-11-22T10:00:00+00:00", "'=gpt", "", "laptop", "moe-sk-0123456789", "native", "100", "20", "120",
             "64", "16", "60", "0.5", "0.0012", "429", "1250", "mine"]  # fmt: skip
    [report] = read_reports(
        [dict(zip(COLUMNS, cells, strict=True))], make_plan(COLUMNS, {}, {"username": "alice"}), "other"
    )
    assert report == UsageReport(
        id="9",
        username="alice",
        model="=gpt",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=64,
        reasoning_tokens=16,
        status="429",
        requested_at=TEN,
        latency_ms=1250,
        cost_factor=Decimal("0.5"),
    )
