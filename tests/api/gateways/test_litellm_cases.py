"""LiteLLM's events of public bug reports, with what the provider billed for them: through the real route."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from portal.actions.metering.verification import verify_account
from portal.db.metering.held import held_events
from portal.db.people.keys import add_key
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.metering.usage import UsageFilter
from portal.settings import settings
from portal.views.metering.usage import load_usage
from tests.api.conftest import Client
from tests.cast import Gateway, run, viewer_of

CASES = Path(__file__).parents[2] / "data" / "cases" / "reports"
KEY = "f460cddecb9f59c630af71139880f62a9af76fbedff770a07e5a66286be42961"
"""The digest of the key in the cases."""
UNKNOWN = "0" * 64
NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)
START = 1_795_889_400.5

Send = Callable[..., Any]


def case(name: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return events


def event(call: str = "c1", **changes: Any) -> dict[str, Any]:
    """Return a call as LiteLLM 1.106 reports it, with other values; `usage` is its usage object."""
    usage = changes.pop("usage", None)
    metadata = {"user_api_key_hash": KEY, "usage_object": usage} | changes.pop("metadata", {})
    usual = {
        "id": "chatcmpl-1",
        "litellm_call_id": call,
        "call_type": "acompletion",
        "status": "success",
        "startTime": START,
        "endTime": START + 1,
        "model": "gpt-5",
        "model_group": "gpt-5",
        "prompt_tokens": (usage or {}).get("prompt_tokens", 0),
        "completion_tokens": (usage or {}).get("completion_tokens", 0),
        "total_tokens": (usage or {}).get("total_tokens", 0),
        "metadata": metadata,
    }
    return usual | changes


def poll(call: str, start: float = START, **changes: Any) -> dict[str, Any]:
    """Return the retrieval of a finished batch, with its usage."""
    usual: dict[str, Any] = {
        "id": "batch_abc",
        "call_type": "aretrieve_batch",
        "startTime": start,
        "endTime": start + 0.5,
        "model": "",
        "model_group": "",
        "hidden_params": {"batch_models": ["gpt-5-mini"], "response_cost": 0.1},
        "response": {"id": "batch_abc", "object": "batch", "status": "completed", "output_file_id": "file-1"},
        "usage": {"prompt_tokens": 30_000, "completion_tokens": 5_000, "total_tokens": 35_000},
    }
    return event(call, **(usual | changes))


@pytest.fixture(autouse=True)
def afterwards(clock: time_machine.Traveller) -> None:
    clock.move_to(NOW)


@pytest.fixture
def alices(alice: Account) -> Account:
    run(add_key, alice.id, KEY, "moe-sk-case00000", "laptop", None, NOW)
    return alice


@pytest.fixture
def post(client: Client, gateway: Gateway) -> Send:
    """Give a function that sends events as LiteLLM and returns the answer."""

    def send(*events: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
        answer = client.post("/api/v1/usage/litellm", content=json.dumps(events), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def results(answer: Any) -> list[str]:
    return [each["result"] for each in answer["results"]]


def billed(account: Account) -> tuple[int, int]:
    """Return an account's billable tokens and requests, once it is seen that the numbers tie."""
    assert list(run_in_reading(lambda session: list(verify_account(session, account.id, settings().budget_zone)))) == []
    totals = run(load_usage, viewer_of(account), UsageFilter(), NOW, 50, None).totals
    return totals.tokens, totals.requests


def shown(account: Account) -> list[tuple[int, int, int, int]]:
    rows = run(load_usage, viewer_of(account), UsageFilter(), NOW, 50, None).rows
    return [(row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.reasoning_tokens) for row in rows]


def test_polls_of_a_response_are_replays(alices: Account, post: Send) -> None:
    answer = post(*case("01b-response-polled"))
    assert results(answer) == ["accepted", "replay", "replay", "replay"]
    assert (answer["accepted"], answer["replays"]) == (1, 3)
    assert billed(alices) == (460, 1)


@pytest.mark.parametrize(
    "call_type",
    [
        *("get_responses", "acancel_responses", "alist_input_items", "adelete_responses", "aget_interaction"),
        *("acreate_batch", "alist_batches", "afile_content", "avideo_retrieve", "avector_store_file_list"),
        *("aretrieve_container", "alist_skills", "aget_eval", "CallTypes.aget_responses"),
    ],
)
def test_a_call_that_generates_nothing_is_a_replay(alices: Account, post: Send, call_type: str) -> None:
    usage = {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460}
    made = event("c1", id="resp_1", call_type="aresponses", usage=usage)
    again = event("c2", id="resp_1", call_type=call_type, usage=usage if "batch" not in call_type else None, model="")
    assert results(post(made, again)) == ["accepted", "replay"]
    assert billed(alices) == (460, 1)


def test_a_call_of_an_unknown_type_counts(alices: Account, post: Send) -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10}
    assert results(post(event(call_type="adream", usage=usage))) == ["accepted"]
    assert billed(alices) == (10, 1)


def test_a_batch_is_billed_by_the_first_poll_with_its_usage(alices: Account, post: Send) -> None:
    created = event("c0", id="batch_abc", call_type="acreate_batch", model="", model_group="")
    waiting = poll("c1", usage=None, hidden_params={}, response={"status": "in_progress"})
    assert results(post(created, waiting)) == ["replay", "replay"]
    assert results(post(poll("c2", START + 60), poll("c3", START + 61))) == ["accepted", "duplicate"]
    assert results(post(poll("c4", START + 90), poll("c2", START + 60))) == ["duplicate", "duplicate"]
    assert billed(alices) == (35_000, 1)
    assert run(held_events) == []
    [row] = run(load_usage, viewer_of(alices), UsageFilter(), NOW, 50, None).rows
    assert (row.model, row.status, row.latency_ms) == ("gpt-5-mini", "ok", None)


def test_batch_with_growing_usage_is_not_billed_yet(alices: Account, post: Send) -> None:
    some = {"prompt_tokens": 300, "completion_tokens": 50, "total_tokens": 350}
    growing = poll("c1", usage=some, response={"status": "in_progress", "usage": some})
    assert results(post(growing, poll("c2", START + 60))) == ["replay", "accepted"]
    assert billed(alices) == (35_000, 1)


def test_polls_at_the_same_time_bill_a_batch_once(alices: Account, post: Send) -> None:
    with ThreadPoolExecutor(4) as programs:
        answers = list(programs.map(lambda n: results(post(poll(f"c{n}", START + n))), range(8)))
    assert sorted(result for answer in answers for result in answer) == ["accepted"] + ["duplicate"] * 7
    assert billed(alices) == (35_000, 1)
    assert run(held_events) == []


def test_polls_of_a_batch_by_an_unknown_key_are_held_once(alices: Account, post: Send) -> None:
    stranger = {"user_api_key_hash": UNKNOWN}
    assert results(post(poll("c1", metadata=stranger), poll("c2", START + 60, metadata=stranger))) == [
        "unattributed",
        "unattributed",
    ]
    assert len(run(held_events)) == 1
    assert results(post(poll("c3", START + 90))) == ["accepted"]
    assert run(held_events) == []
    assert billed(alices) == (35_000, 1)


def test_a_background_response_is_billed_once_and_not_lost(alices: Account, post: Send) -> None:
    usage = {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460}
    queued = event("c1", id="resp_9", call_type="aresponses", response={"background": True, "status": "queued"})
    done = {"background": True, "status": "completed", "created_at": int(START), "output": [{"text": "secret"}]}
    reads = [
        event(f"c{n}", id="resp_9", call_type="aget_responses", startTime=START + n, usage=usage, response=done)
        for n in range(2, 5)
    ]
    assert results(post(queued, *reads)) == ["accepted", "accepted", "duplicate", "duplicate"]
    assert billed(alices) == (460, 2)
    streamed = event("c1", id="resp_8", call_type="aresponses", usage=usage, response=done)
    later = event("c2", id="resp_8", call_type="aget_responses", usage=usage, response=done)
    assert results(post(streamed)) == ["accepted"]
    assert results(post(later)) == ["duplicate"]
    assert billed(alices) == (920, 3)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(None, (2460, 20, 2450, 0), id="02"),
        pytest.param(
            {
                "prompt_tokens": 3,
                "completion_tokens": 20,
                "total_tokens": 23,
                "prompt_tokens_details": {"cached_tokens": 1000, "text_tokens": 3, "cache_creation_tokens": 500},
                "cache_creation_input_tokens": 500,
                "cache_read_input_tokens": 1000,
            },
            (1503, 20, 1000, 0),
            id="the details are larger than the prompt (LiteLLM 15056)",
        ),
        pytest.param(
            {
                "prompt_tokens": 350,
                "completion_tokens": 20,
                "total_tokens": 1070,
                "cache_read_input_tokens": 400,
                "cache_creation_input_tokens": 300,
            },
            (1050, 20, 400, 0),
            id="so does the total",
        ),
        pytest.param(
            {
                "input_tokens": 600,
                "output_tokens": 20,
                "cache_read_input_tokens": 400,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            },
            (1300, 20, 400, 0),
            id="Anthropic's own object",
        ),
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 20,
                "total_tokens": 130,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            (10, 120, 0, 100),
            id="reasoning beside the completion",
        ),
        pytest.param(
            {
                "prompt_tokens": 90,
                "completion_tokens": 20,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 26,
            },
            (90, 20, 64, 0),
            id="DeepSeek's names",
        ),
    ],
)
def test_parts(alices: Account, post: Send, usage: dict[str, Any] | None, expected: tuple[int, ...]) -> None:
    sent = case("02-anthropic-stream-cache-read") if usage is None else [event(usage=usage)]
    assert results(post(*sent)) == ["accepted"]
    assert shown(alices) == [expected]
    assert billed(alices) == (expected[0] + expected[1], 1)


@pytest.mark.parametrize("total", [0, 620, None])
def test_a_prompt_that_was_copied_without_its_cache_is_completed(
    alices: Account, post: Send, total: int | None
) -> None:
    usage = {"input_tokens": 600, "output_tokens": 20, "cache_read_input_tokens": 400}
    post(event(usage=usage, prompt_tokens=600, completion_tokens=20, total_tokens=total))
    assert billed(alices) == (1020, 1)


def test_calls_without_counts_are_stored(alices: Account, post: Send) -> None:
    assert results(post(*case("04-rerank-image-speech"))) == ["accepted"] * 6
    assert billed(alices) == (1106, 6)


def test_calls_without_counts_are_marked(gateway: Gateway, post: Send) -> None:
    post(*case("04-rerank-image-speech"))
    marked = [json.loads(held.body).get("without_counts") for held, _ in run(held_events)]
    assert sorted(marked, key=bool) == [None, True, True, True, True, True]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"call_type": "amoderation"}, id="moderation"),
        pytest.param({"call_type": "aocr", "usage": {"pages_processed": 3}}, id="pages"),
        pytest.param(
            {"call_type": "avector_store_search", "model": "", "model_group": None}, id="a search of no model"
        ),
        pytest.param({"error_information": {"error_code": "499", "error_class": "ClientDisconnected"}}, id="aborted"),
        pytest.param({"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}, id="null"),
    ],
)
def test_a_success_without_counts_is_marked(gateway: Gateway, post: Send, changes: dict[str, Any]) -> None:
    assert results(post(event(**changes))) == ["unattributed"]
    [(held, _)] = run(held_events)
    assert json.loads(held.body)["without_counts"] is True


@pytest.mark.parametrize("changes", [{"status": "failure"}, {"cache_hit": True}], ids=["failure", "cache hit"])
def test_nothing_used_is_not_unknown(gateway: Gateway, post: Send, changes: dict[str, Any]) -> None:
    post(event(**changes))
    [(held, _)] = run(held_events)
    assert "without_counts" not in json.loads(held.body)


HUGE = {
    "text": "x" * 5_000_000,
    "list": [{"a": "b"}] * 400_000,
    "levels": {str(n): {"deep": ["y" * 50] * 20} for n in range(4_000)},
}


@pytest.mark.parametrize("huge", HUGE)
@pytest.mark.parametrize(
    "place",
    [
        *("metadata.requester_metadata", "metadata.spend_logs_metadata", "metadata.user_api_key_auth_metadata"),
        *("metadata.usage_object.note", "metadata.usage_object.prompt_tokens_details", "error_information.traceback"),
        *("hidden_params.batch_models", "response.output", "model_group", "session_id", "error_information"),
        *("metadata.user_api_key_user_id", "trace_id", "error_information.error_class"),
    ],
)
def test_nothing_is_rejected_for_its_size(alices: Account, post: Send, place: str, huge: str) -> None:
    sent = event(usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
    *path, name = place.split(".")
    at = sent
    for step in path:
        at = at.setdefault(step, {})
    at[name] = HUGE[huge]
    assert results(post(sent, sent | {"id": "b"})) == ["accepted"] * 2
    assert billed(alices) == (20, 2)


def test_a_rejected_event_shows_its_id(alices: Account, post: Send) -> None:
    half = event(id="chatcmpl-half", prompt_tokens=3, completion_tokens=None, total_tokens=None)
    nameless = event("call-7", id=None, prompt_tokens="many")
    broken = event(id="chatcmpl-x", startTime=["x"])
    answer = post(half, nameless, broken)
    assert results(answer) == ["rejected"] * 3
    assert [each["id"] for each in answer["results"]] == ["chatcmpl-half", "call-7", "chatcmpl-x"]


USED = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@pytest.mark.parametrize(
    "person",
    [
        {"user_api_key_user_id": "alice"},
        {"user_api_key_user_id": " Alice "},
        {"user_api_key_user_id": "2f1a-uuid", "user_api_key_user_email": "Alice@Example.org"},
        {"user_api_key_user_id": "alice@example.org"},
        {"user_api_key_user_id": "alice", "user_api_key_user_email": "nobody@example.org"},
    ],
    ids=str,
)
def test_an_unknown_key_is_its_users(alice: Account, post: Send, person: dict[str, str]) -> None:
    sent = event(usage=USED, metadata={"user_api_key_hash": UNKNOWN} | person)
    assert results(post(sent)) == ["accepted"]
    assert billed(alice) == (10, 1)


def test_a_known_key_outweighs_its_user(alices: Account, bob: Account, post: Send) -> None:
    post(event(usage=USED, metadata={"user_api_key_user_id": "bob", "user_api_key_user_email": "bob@example.org"}))
    assert (billed(alices), billed(bob)) == ((10, 1), (0, 0))


@pytest.mark.parametrize(
    "forged",
    [
        {"end_user": "alice"},
        {"request_tags": ["alice"]},
        {"metadata": {"user_api_key_hash": UNKNOWN, "user_api_key_end_user_id": "alice"}},
        {"metadata": {"user_api_key_hash": UNKNOWN, "requester_metadata": {"user_api_key_user_id": "alice"}}},
        {"metadata": {"user_api_key_hash": UNKNOWN, "requester_custom_headers": {"x-user": "alice"}}},
    ],
    ids=str,
)
def test_the_word_of_a_client_makes_nothing_anothers(alice: Account, post: Send, forged: dict[str, Any]) -> None:
    sent = event(usage=USED, metadata={"user_api_key_hash": UNKNOWN}) | forged
    assert results(post(sent)) == ["unattributed"]
    assert billed(alice) == (0, 0)


def test_who_was_unknown_is_found_in_what_was_held(alice: Account, post: Send) -> None:
    post(event(usage=USED, metadata={"user_api_key_hash": UNKNOWN, "user_api_key_user_email": "new@example.org"}))
    [(held, _)] = run(held_events)
    assert json.loads(held.body)["fallback_names"] == ["new@example.org"]
