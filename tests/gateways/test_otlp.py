"""Calls of models in traces: the counts of each dialect, added up by hand, and spans that are no calls."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.gateways.otlp import OtlpEntries, read_traces
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.secrets import digest
from portal.rules.spending.pricing import MAX_TOKENS
from tests.gateways.otlp_bodies import NOON, TRACE, Sent, in_json, in_protobuf

GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 300,
}
NOBODY = digest("")


def read(*spans: Sent, **resource: Any) -> OtlpEntries:
    """Return the entries of these spans, the same in both forms."""
    about = {name.replace("__", "."): value for name, value in resource.items()}
    found = read_traces(in_protobuf(*spans, resource=about), is_json=False, default_mode="native")
    assert read_traces(in_json(*spans, resource=about), is_json=True, default_mode="native") == found
    return found


def one(attributes: dict[str, Any], **sent: Any) -> UsageReport:
    """Return the only call there is."""
    traces = read(Sent(attributes, **sent))
    [entry] = traces.entries
    assert isinstance(entry, UsageReport), entry
    assert traces.ignored == 0
    return entry


def tokens(report: UsageReport) -> tuple[int, int, int, int]:
    return report.prompt_tokens, report.completion_tokens, report.cached_tokens, report.reasoning_tokens


def test_all_attributes_of_a_call_are_read() -> None:
    attributes = GEN_AI | {
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.reasoning.output_tokens": 192,
        "gen_ai.conversation.id": "conv-7",
        "gen_ai.input.messages": '[{"role": "user", "content": "a secret"}]',
        "portal.api_key_hash": digest("sk-1"),
        "portal.mode": "moe_reasoning",
        "portal.template": "research",
        "portal.cost_factor": "1.5",
    }
    assert one(attributes) == UsageReport(
        id=f"{TRACE}/eee19b7ec3c1b174",
        model="gpt-4o",
        provider_model="openai/gpt-4o-2024-08-06",
        mode="moe_reasoning",
        prompt_tokens=1200,
        completion_tokens=300,
        key_hash=digest("sk-1"),
        cached_tokens=1024,
        reasoning_tokens=192,
        requested_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
        latency_ms=1500,
        template="research",
        cost_factor=Decimal("1.5"),
        session_id="conv-7",
    )


MODEL = {"gen_ai.request.model": "m"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(GEN_AI, (1200, 300, 0, 0), id="the GenAI conventions"),
        pytest.param(
            MODEL
            | {
                "gen_ai.usage.prompt_tokens": 40,
                "gen_ai.usage.completion_tokens": 2,
                "gen_ai.usage.cache_read_input_tokens": 30,
                "gen_ai.usage.reasoning_tokens": 1,
            },
            (40, 2, 30, 1),
            id="what they were until 2024",
        ),
        pytest.param(
            {
                "llm.request.type": "chat",
                "llm.request.model": "m",
                "llm.usage.prompt_tokens": 40,
                "llm.usage.completion_tokens": 2,
                "llm.usage.total_tokens": 42,
                "llm.usage.cache_read_input_tokens": 30,
            },
            (40, 2, 30, 0),
            id="OpenLLMetry",
        ),
        pytest.param(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "m",
                "llm.token_count.prompt": 40,
                "llm.token_count.completion": 20,
                "llm.token_count.total": 60,
                "llm.token_count.prompt_details.cache_read": 30,
                "llm.token_count.prompt_details.cache_write": 5,
                "llm.token_count.completion_details.reasoning": 11,
            },
            (40, 20, 30, 11),
            id="OpenInference",
        ),
        pytest.param(
            MODEL
            | {
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.input_tokens.cached": 5,
                "gen_ai.usage.output_tokens": 10,
                "gen_ai.usage.output_tokens.reasoning": 8,
            },
            (20, 10, 5, 8),
            id="Sentry",
        ),
        pytest.param(GEN_AI | {"gen_ai.usage.prompt_tokens": 7}, (1200, 300, 0, 0), id="the newest name wins"),
        pytest.param(
            MODEL | {"gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": "3"},
            (12, 3, 0, 0),
            id="numbers as texts",
        ),
        pytest.param(
            MODEL | {"gen_ai.usage.input_tokens": 12.0, "gen_ai.usage.output_tokens": 3.0},
            (12, 3, 0, 0),
            id="whole numbers with a point",
        ),
        pytest.param(
            {"gen_ai.operation.name": "embeddings", **MODEL, "gen_ai.usage.input_tokens": 12},
            (12, 0, 0, 0),
            id="embeddings have no output",
        ),
        pytest.param(
            {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "m", "llm.token_count.total": 12},
            (12, 0, 0, 0),
            id="embeddings have no output, so their total is their input",
        ),
        pytest.param(
            MODEL | {"gen_ai.usage.input_tokens": 12, "llm.usage.total_tokens": 15},
            (12, 3, 0, 0),
            id="the rest, output",
        ),
        pytest.param(
            MODEL | {"gen_ai.usage.output_tokens": 3, "llm.usage.total_tokens": 15},
            (12, 3, 0, 0),
            id="the input is the rest",
        ),
        pytest.param(
            GEN_AI | {"gen_ai.usage.cache_read.input_tokens": -1, "gen_ai.usage.reasoning.output_tokens": "many"},
            (1200, 300, 0, 0),
            id="senseless details are left out, since the sum is known",
        ),
        pytest.param(
            GEN_AI
            | {
                "gen_ai.usage.cache_read.input_tokens": 2000,
                "gen_ai.usage.cache_creation.input_tokens": 550,
                "gen_ai.usage.input_tokens": 200,
            },
            (2750, 300, 2000, 0),
            id="cached beside input, as Anthropic counts: a part is not larger than the whole",
        ),
        pytest.param(
            GEN_AI | {"gen_ai.usage.cache_write.input_tokens": 100, "gen_ai.usage.total_tokens": 1600},
            (1300, 300, 0, 0),
            id="cached beside input: the total says so",
        ),
        pytest.param(
            GEN_AI | {"gen_ai.usage.reasoning.output_tokens": 700},
            (1200, 1000, 0, 700),
            id="reasoned beside output, as Gemini counts",
        ),
        pytest.param(
            GEN_AI | {"gen_ai.usage.reasoning.output_tokens": 200, "gen_ai.usage.total_tokens": 1700},
            (1200, 500, 0, 200),
            id="reasoned beside output: the total says so",
        ),
        pytest.param(
            GEN_AI | {"gen_ai.usage.cache_read.input_tokens": 700, "gen_ai.usage.total_tokens": 9},
            (1200, 300, 700, 0),
            id="a total that fits nothing proves nothing",
        ),
    ],
)
def test_every_dialect_says_how_much_was_used(attributes: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert tokens(one(attributes)) == expected


@pytest.mark.parametrize(
    ("attributes", "model", "provider_model"),
    [
        ({"gen_ai.request.model": "a"}, "a", None),
        ({"gen_ai.response.model": "b"}, "b", None),
        ({"gen_ai.request.model": "a", "gen_ai.response.model": "a"}, "a", None),
        ({"gen_ai.request.model": "a", "gen_ai.response.model": "b"}, "a", "b"),
        ({"gen_ai.request.model": "a", "gen_ai.system": "openai"}, "a", "openai/a"),
        ({"gen_ai.request.model": "openai/a", "gen_ai.provider.name": "openai"}, "openai/a", None),
        ({"llm.model_name": "a", "llm.provider": "azure"}, "a", "azure/a"),
    ],
)
def test_requested_model_and_answering_model_are_read(
    attributes: dict[str, Any], model: str, provider_model: str | None
) -> None:
    report = one({"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1} | attributes)
    assert (report.model, report.provider_model) == (model, provider_model)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"http.request.method": "GET"}, id="HTTP"),
        pytest.param(GEN_AI | {"gen_ai.operation.name": "invoke_agent"}, id="an agent"),
        pytest.param(GEN_AI | {"gen_ai.operation.name": "execute_tool"}, id="a tool"),
        pytest.param(GEN_AI | {"gen_ai.operation.name": "invoke_workflow"}, id="a workflow"),
        pytest.param({**GEN_AI, "gen_ai.operation.name": "", "traceloop.span.kind": "workflow"}, id="of OpenLLMetry"),
        *(
            pytest.param({"openinference.span.kind": kind, "llm.model_name": "m", "llm.token_count.total": 9}, id=kind)
            for kind in ("CHAIN", "AGENT", "TOOL", "RETRIEVER", "RERANKER", "GUARDRAIL", "EVALUATOR", "SOMETHING NEW")
        ),
    ],
)
def test_span_that_is_no_model_call_is_ignored(attributes: dict[str, Any]) -> None:
    assert read(Sent(attributes)) == OtlpEntries([], 1)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"gen_ai.operation.name": "acompletion"}, id="a word of its own"),
        pytest.param({"openinference.span.kind": "UNKNOWN"}, id="that it does not know"),
        pytest.param({"gen_ai.operation.name": "chat", "traceloop.span.kind": "task"}, id="the newest word first"),
    ],
)
def test_what_says_usage_and_nothing_against_it_counts(attributes: dict[str, Any]) -> None:
    report = one({**MODEL, "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3, **attributes})
    assert report.total_tokens == 15


OUTPUT = "gen_ai.usage.output_tokens must be a whole number from 0 to"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai.usage.output_tokens": -1}, OUTPUT),
        ({"gen_ai.usage.output_tokens": 1.5}, OUTPUT),
        ({"gen_ai.usage.output_tokens": float("inf")}, OUTPUT),
        ({"gen_ai.usage.output_tokens": "many"}, OUTPUT),
        ({"gen_ai.usage.output_tokens": "1" * 400}, OUTPUT),
        ({"gen_ai.usage.output_tokens": True}, OUTPUT),
        ({"gen_ai.usage.output_tokens": MAX_TOKENS + 1}, OUTPUT),
        ({"gen_ai.usage.output_tokens": ...}, "gen_ai.usage.output_tokens is missing."),
        ({"gen_ai.usage.output_tokens": ..., "gen_ai.usage.input_tokens": True}, "gen_ai.usage.input_tokens must be"),
        ({"gen_ai.usage.input_tokens": ...}, "gen_ai.usage.input_tokens is missing."),
        ({"gen_ai.usage.total_tokens": -9, "gen_ai.usage.output_tokens": ...}, "gen_ai.usage.total_tokens must be"),
        ({"gen_ai.usage.cache_read.input_tokens": MAX_TOKENS}, "gen_ai.usage.input_tokens must be"),
        ({"gen_ai.request.model": ...}, "gen_ai.request.model is missing."),
        ({"gen_ai.request.model": "\n\x00"}, "gen_ai.request.model is missing."),
        ({"portal.cost_factor": "free"}, "portal.cost_factor lies between 0 and 1000, with at most 12 decimals."),
        ({"portal.cost_factor": "1001"}, "portal.cost_factor lies between"),
        ({"portal.cost_factor": -1}, "portal.cost_factor lies between"),
    ],
)
def test_unclear_counts_are_rejected_and_never_zero(attributes: dict[str, Any], reason: str) -> None:
    [entry] = read(Sent({name: value for name, value in (GEN_AI | attributes).items() if value is not ...})).entries
    assert isinstance(entry, Rejected)
    assert entry.id == f"{TRACE}/eee19b7ec3c1b174"
    assert entry.reason.startswith(reason)
    assert entry.reason.endswith(".")


@pytest.mark.parametrize(
    ("sent", "rejected"),
    [
        ({"trace": "00" * 16}, Rejected(None, "The span has no proper trace id and span id.")),
        ({"id": "00" * 8}, Rejected(None, "The span has no proper trace id and span id.")),
        ({"trace": "5b8e"}, Rejected(None, "The span has no proper trace id and span id.")),
        ({"start": 0}, Rejected(f"{TRACE}/eee19b7ec3c1b174", "The span has no start time.")),
    ],
)
def test_a_span_without_id_or_time_is_rejected(sent: dict[str, Any], rejected: Rejected) -> None:
    assert read(Sent(GEN_AI, **sent)).entries == [rejected]


def test_one_bad_span_does_not_stop_the_others() -> None:
    bad = GEN_AI | {"gen_ai.usage.input_tokens": -1}
    entries = read(Sent(bad), Sent(GEN_AI, id="aa" * 8), Sent({"db.system": "sqlite"}, id="bb" * 8)).entries
    assert [type(entry) for entry in entries] == [Rejected, UsageReport]


KEY = digest("sk-1")


@pytest.mark.parametrize(
    ("attributes", "whose"),
    [
        pytest.param({"portal.api_key_hash": KEY.upper()}, (KEY, None), id="a digest"),
        pytest.param({"portal.api_key_hash": "sk-1"}, (KEY, None), id="a key where the digest should be"),
        pytest.param({"portal.api_key": "sk-1"}, (KEY, None), id="a key"),
        pytest.param({"portal.api_key": KEY}, (digest(KEY), None), id="a key that looks like a digest"),
        pytest.param({"metadata.user_api_key_hash": KEY, "user.id": "bob"}, (KEY, None), id="LiteLLM: by key alone"),
        pytest.param({"litellm.api_key.hash": KEY, "user.id": "bob"}, (KEY, None), id="LiteLLM, its newer name"),
        pytest.param({"metadata.user_api_key_hash": "", "user.id": "bob"}, (NOBODY, None), id="LiteLLM without a key"),
        pytest.param({"portal.username": "Alice", "user.id": "bob"}, (None, "alice"), id="the gateway's word first"),
        pytest.param({"enduser.id": "alice", "user.id": "bob"}, (None, "alice"), id="the end user"),
        pytest.param({"user.id": "bob"}, (None, "bob"), id="OpenInference's user"),
        pytest.param({"user.id": 42}, (None, "42"), id="a number"),
        pytest.param({"user.name": "bob"}, (None, "bob"), id="a name"),
        pytest.param({"user.id": "b" * 65, "user.name": "bob"}, (None, "bob"), id="a name is never cut"),
        pytest.param({"user.id": "b" * 65}, (NOBODY, None), id="too long a name is nobody's"),
        pytest.param({"portal.username": "b" * 65, "user.id": "bob"}, (NOBODY, None), id="too long, though others fit"),
        pytest.param({"portal.username": " ", "user.id": "bob"}, (None, "bob"), id="an empty name is none"),
        pytest.param({"user.email": f"{'b' * 250}@b.org", "user.id": "bob"}, (None, "bob"), id="too long an address"),
        pytest.param({}, (NOBODY, None), id="nothing known"),
    ],
)
def test_account_is_found_by_the_best_attribute(
    attributes: dict[str, Any], whose: tuple[str | None, str | None]
) -> None:
    report = one(GEN_AI | attributes)
    assert (report.key_hash, report.username) == whose
    assert "sk-1" not in repr(report)


def test_long_template_name_is_never_cut_to_another_one() -> None:
    assert one(GEN_AI | {"portal.template": "t" * 64}).template == "t" * 64
    assert one(GEN_AI | {"portal.template": "t" * 65}).template == "t" * 63 + "…"


def test_resource_attributes_count_unless_the_span_has_them() -> None:
    own = Sent(GEN_AI | {"portal.username": "bob"}, id="aa" * 8)
    reports = read(Sent(GEN_AI), own, portal__username="alice", portal__mode="moe_orchestrated").entries
    assert [(r.username, r.mode) for r in reports if isinstance(r, UsageReport)] == [
        ("alice", "moe_orchestrated"),
        ("bob", "moe_orchestrated"),
    ]


@pytest.mark.parametrize(
    ("attributes", "code", "status"),
    [
        ({}, 0, "ok"),
        ({}, 1, "ok"),
        ({}, 2, "error"),
        ({"error.type": "ok"}, 2, "error"),
        ({"error.type": "429"}, 2, "429"),
        ({"error.type": "openai.RateLimitError" * 9}, 0, ("openai.RateLimitError" * 9)[:64]),
    ],
)
def test_an_error_is_named_never_quoted(attributes: dict[str, Any], code: int, status: str) -> None:
    assert one(GEN_AI | attributes, code=code).status == status


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({"gen_ai.operation.name": "chat"}, (0, 0), id="that says of none"),
        pytest.param({"gen_ai.operation.name": "acompletion"}, (0, 0), id="in LiteLLM's words"),
        pytest.param({"gen_ai.usage.input_tokens": 12}, (12, 0), id="that came to no output"),
        pytest.param({"gen_ai.usage.total_tokens": 12}, (12, 0), id="that knows its total alone"),
        pytest.param({"gen_ai.usage.output_tokens": 12}, (0, 12), id="that knows its output alone"),
    ],
)
def test_a_failed_call_is_shown_with_what_it_used(attributes: dict[str, Any], expected: tuple[int, int]) -> None:
    report = one(MODEL | attributes, code=2)
    assert (report.prompt_tokens, report.completion_tokens, report.status) == (*expected, "error")


def test_a_failure_of_something_else_is_no_request() -> None:
    assert read(
        Sent({"http.request.method": "GET"}, code=2), Sent({"gen_ai.operation.name": "chat"}, code=2)
    ) == OtlpEntries([], 2)


def test_times_are_those_of_the_program() -> None:
    assert one(GEN_AI, start=NOON + 123_456_789).requested_at == datetime(2026, 11, 22, 12, 0, 0, 123456, UTC)
    assert one(GEN_AI, end=0).latency_ms is None
    assert one(GEN_AI, end=NOON - 1).latency_ms is None
    assert one(GEN_AI, start=2**64 - 1).requested_at == datetime(2554, 7, 21, 23, 34, 33, 709551, UTC)


def test_a_span_that_comes_again_says_the_same() -> None:
    [first, second] = read(Sent(GEN_AI), Sent(GEN_AI)).entries
    assert first == second


def test_nothing_is_kept_of_prompts_and_answers() -> None:
    attributes = GEN_AI | {"gen_ai.prompt.0.content": "a secret", "input.value": "a secret", "llm.user": "a secret"}
    assert "secret" not in repr(read(Sent(attributes, code=2)))


A, B, C = "aa" * 8, "bb" * 8, "cc" * 8


def call(id: str, parent: str, used: int, response: str = "") -> Sent:
    """Return a call of a model inside another span."""
    attributes = MODEL | {
        "gen_ai.usage.input_tokens": used,
        "gen_ai.usage.output_tokens": 0,
        "gen_ai.response.id": response,
    }
    return Sent(attributes, id=id, parent=parent)


def chat(id: str, parent: str, used: int, response: str = "") -> Sent:
    """Return the same of a span that says that it is a call."""
    return Sent({**call(id, parent, used, response).attributes, "gen_ai.operation.name": "chat"}, id=id, parent=parent)


def silent(id: str, parent: str, response: str = "") -> Sent:
    """Return a call that does not say what it used."""
    return Sent(MODEL | {"gen_ai.operation.name": "chat", "gen_ai.response.id": response}, id=id, parent=parent)


def agent(id: str, parent: str, used: int) -> Sent:
    """Return a span that says what was used, and names no model."""
    return Sent({"gen_ai.usage.input_tokens": used, "gen_ai.usage.output_tokens": 0}, id=id, parent=parent)


def step(id: str, parent: str) -> Sent:
    """Return a span that is no call."""
    return Sent({}, id=id, parent=parent)


@pytest.mark.parametrize(
    ("spans", "counted"),
    [
        pytest.param([call(A, "", 9, "r"), call(B, A, 9, "r")], {B}, id="two instrumentations of one call"),
        pytest.param([call(B, A, 9, "r"), call(A, "", 9, "r")], {B}, id="whichever ended first"),
        pytest.param([call(A, "", 9, "r"), step(C, A), call(B, C, 9, "r")], {B}, id="with something between them"),
        pytest.param([call(A, "", 9, "r"), call(B, A, 9, "r"), call(C, B, 9, "r")], {C}, id="three of them"),
        pytest.param([call(A, "", 9, "r"), call(B, A, 9, "s")], {A, B}, id="two answers are two calls"),
        pytest.param([call(A, "", 9, "r"), call(B, "", 9, "r")], {A, B}, id="neither lies in the other"),
        pytest.param([call(A, "", 9), call(B, A, 9)], {B}, id="without ids: it used no more than the one inside"),
        pytest.param([call(A, "", 9), call(B, A, 5, "r"), call(C, A, 4, "s")], {B, C}, id="a sum of those inside"),
        pytest.param(
            [chat(A, "", 9), chat(B, A, 5)], {A, B}, id="it is a call, and used more than those inside account for"
        ),
        pytest.param([call(A, "", 9), chat(B, A, 5)], {B}, id="it does not say that it is a call: an agent, say"),
        pytest.param([agent(A, "", 9), chat(B, A, 5)], {B}, id="it names no model"),
        pytest.param([silent(A, ""), chat(B, A, 5)], {B}, id="without usage: the one inside says it"),
        pytest.param([chat(A, "", 5), silent(B, A)], {A}, id="without usage: the one around it says it"),
        pytest.param([call(A, "", 5), silent(B, A)], {A}, id="without usage, in one that does not say what it is"),
        pytest.param([silent(A, ""), silent(B, A)], {B}, id="neither says it"),
        pytest.param([chat(A, "", 5, "r"), silent(B, A, "s")], {A, B}, id="without usage, and of another answer"),
        pytest.param([chat(A, "", 5), silent(B, A), chat(C, A, 5)], {B, C}, id="without usage, beside one with it"),
        pytest.param([chat(A, "", 9), silent(B, A), chat(C, B, 9)], {C}, id="without usage, in the middle"),
        pytest.param([call(A, B, 9), step(B, C), step(C, B)], {A}, id="a circle of others"),
        pytest.param([call(A, A, 9, "r")], {A}, id="its own parent"),
        pytest.param(
            [call(A, B, 9, "r"), call(B, A, 9, "r"), call(C, B, 9, "r")], {C}, id="two that are each other's parents"
        ),
        pytest.param(
            [call(A, "", 9, "r"), Sent(MODEL | {"gen_ai.operation.name": "chat"}, id=B, parent=A, code=2)],
            {A, B},
            id="a failed try inside accounts for nothing",
        ),
    ],
)
def test_call_with_two_spans_counts_once(spans: list[Sent], counted: set[str]) -> None:
    traces = read(*spans)
    assert {entry.id for entry in traces.entries} == {f"{TRACE}/{id}" for id in counted}
    assert traces.ignored == len(spans) - len(counted)


def test_ignored_outer_call_gives_its_account_to_the_inner_call() -> None:
    attributes = {
        "portal.username": "alice",
        "portal.mode": "moe_reasoning",
        "session.id": "s-1",
        "gen_ai.request.model": "x",
    }
    outer = Sent({**call(A, "", 9, "r").attributes, **attributes}, id=A)
    middle = Sent({**call(B, A, 9, "r").attributes, "session.id": "s-2", "user.id": "bob"}, id=B, parent=A)
    [entry] = read(outer, middle, call(C, B, 9, "r")).entries
    assert isinstance(entry, UsageReport)
    assert (entry.username, entry.mode, entry.session_id, entry.model) == ("alice", "moe_reasoning", "s-2", "m")


def test_counted_outer_call_gives_nothing_to_the_inner_call() -> None:
    outer = Sent({**call(A, "", 9, "r").attributes, "portal.username": "alice"}, id=A)
    whose = {e.id: e.username for e in read(outer, call(B, A, 9, "s")).entries if isinstance(e, UsageReport)}
    assert whose == {f"{TRACE}/{A}": "alice", f"{TRACE}/{B}": None}


def test_the_same_ids_in_another_trace_are_another_call() -> None:
    inner = call(B, A, 9, "r")
    outer = Sent(inner.attributes, id=A, trace="ab" * 16)
    assert len(read(outer, inner).entries) == 2


def test_however_long_the_way_to_the_enclosing_call_is() -> None:
    chain = [step(f"{n + 1:016x}", f"{n:016x}") for n in range(1, 3_000)]
    inner = [call(f"{n:016x}", f"{3_000:016x}", 1) for n in range(4_000, 5_000)]
    spans = [call(f"{1:016x}", "", 1_000), *chain, *inner]
    traces = read_traces(in_protobuf(*spans), is_json=False, default_mode="native")
    assert (len(traces.entries), traces.ignored) == (1_000, 3_000)
