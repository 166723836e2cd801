"""LiteLLM's events: recordings of a real proxy, with what they must add up to by hand, and what else may come."""

import json
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.gateways import litellm
from portal.gateways.litellm import read_litellm
from portal.rules.metering.usage import Entry, Rejected, UsageReport
from portal.rules.people.secrets import digest
from tests.work import at_most_calls

RECORDINGS = Path(__file__).parents[1] / "data" / "litellm"
ALICE = "ccaebe50b8f1a22c3de58569ef2a814c286f65c0514f238e176598f0640e12bb"
MASTER = digest("litellm_proxy_master_key")


def recorded(name: str) -> bytes:
    (path,) = RECORDINGS.glob(f"{name}-*.json")
    return str(json.loads(path.read_text(encoding="utf-8"))["body_text"]).encode()


def reports(body: bytes, mode: str = "native") -> list[UsageReport]:
    found = read_litellm(body, mode)
    assert not [each for each in found if isinstance(each, Rejected)]
    return [each for each in found if isinstance(each, UsageReport)]


def sample(**changes: Any) -> dict[str, Any]:
    """Return a small event as LiteLLM sends it, with other values."""
    plain = {
        "id": "chatcmpl-1",
        "litellm_call_id": "call-1",
        "status": "success",
        "startTime": 1795374991.5,
        "endTime": 1795374992.25,
        "model": "openai/gpt-4o",
        "model_group": "chat",
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "metadata": {"user_api_key_hash": ALICE},
    }
    return plain | changes


def one(**changes: Any) -> Entry:
    [found] = read_litellm(json.dumps([sample(**changes)]).encode(), "native")
    return found


def report(**changes: Any) -> UsageReport:
    found = one(**changes)
    assert isinstance(found, UsageReport), found
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("02", [("up-chat", "openai/gpt-4o", 1200, 300, 1024, 192, "ok", MASTER)]),
        ("03", [("up-chat", "openai/gpt-4o", 1200, 300, 1024, 192, "ok", MASTER)]),
        ("06", [("bad-500", "openai/err500", 0, 0, 0, 0, "500 InternalServerError", MASTER)]),
        (
            "10",
            [
                ("with-fallback", "openai/err500", 0, 0, 0, 0, "500 InternalServerError", MASTER),
                ("up-chat", "openai/gpt-4o", 1200, 300, 1024, 192, "ok", MASTER),
            ],
        ),
        ("14", [("claude-up", "anthropic/claude-sonnet-4-5-20250929", 2750, 80, 2000, 0, "ok", MASTER)]),
        ("24", [("up-chat", "openai/gpt-4o", 12, 1, 0, 0, "499 ClientDisconnected", MASTER)]),
        ("30", [("up-chat", "openai/gpt-4o", 1200, 300, 1024, 192, "ok", ALICE)]),
        ("32", [("bad-500", "openai/err500", 0, 0, 0, 0, "500 InternalServerError", ALICE)]),
        ("35", [("claude-up", "anthropic/claude-sonnet-4-5-20250929", 2750, 80, 2000, 0, "ok", ALICE)]),
        ("50", [("m", "openai/gpt-4o-mini", 10, 20, 0, 0, "ok", MASTER)] * 3),
        ("51", [("m", "openai/gpt-4o-mini", 10, 20, 0, 0, "ok", MASTER)]),
    ],
)
def test_a_recording_says_what_was_used(name: str, expected: list[tuple[Any, ...]]) -> None:
    assert [
        (r.model, r.provider_model, r.prompt_tokens, r.completion_tokens, r.cached_tokens, r.reasoning_tokens, r.status,
         r.key_hash)
        for r in reports(recorded(name))
    ] == expected  # fmt: skip


def test_a_hit_of_the_cache_is_shown_and_not_billed() -> None:
    first, hit, failure = reports(recorded("25"))
    assert (first.total_tokens, first.cost_factor) == (1500, None)
    assert (hit.total_tokens, hit.cost_factor, hit.status) == (1500, Decimal(0), "ok")
    assert (failure.total_tokens, failure.key_hash) == (0, ALICE)


def test_raw_key_in_the_field_of_the_digest_is_digested() -> None:
    found = reports(recorded("27"))
    assert digest("tok_plain_secret_123") in {each.key_hash for each in found}
    assert "tok_plain_secret_123" not in repr(found)


def test_requests_with_one_spoofed_call_id_are_separate() -> None:
    first, second, denied = reports(recorded("39"))
    assert first.id != second.id
    assert first.total_tokens == second.total_tokens == 1500
    assert (denied.total_tokens, denied.status) == (0, "429 ProxyException")


def test_failure_and_fallback_of_one_call_have_two_ids() -> None:
    failure, fallback = reports(recorded("10"))
    assert failure.id != fallback.id


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.name[:2])
def test_nothing_of_prompts_and_answers_is_kept(path: Path) -> None:
    for each in reports(recorded(path.name[:2])):
        kept = each.body()
        assert "hello" not in kept.lower()
        assert "sk-" not in kept


def test_an_event_is_the_same_whenever_it_comes_again() -> None:
    assert [r.fingerprint() for r in reports(recorded("25"))] == [r.fingerprint() for r in reports(recorded("25"))]


def test_times_are_those_of_the_gateway() -> None:
    found = report()
    assert found.requested_at == datetime(2026, 11, 22, 19, 16, 31, 500000, UTC)
    assert found.latency_ms == 750
    assert report(startTime="2026-11-22T19:16:31.5Z", endTime=None).latency_ms is None


def test_mode_of_gateway_or_hook_counts_never_that_of_a_client() -> None:
    assert report().mode == "native"
    assert report(metadata={"user_api_key_hash": ALICE, "portal_mode": "moe_reasoning"}).mode == "moe_reasoning"
    hooked = {"user_api_key_hash": ALICE, "user_api_key_auth_metadata": {"portal_mode": "moe_orchestrated"}}
    assert report(metadata=hooked).mode == "moe_orchestrated"
    client = {"user_api_key_hash": ALICE, "requester_metadata": {"portal_mode": "forged"}}
    assert report(metadata=client).mode == "native"


def test_provider_model_is_kept_only_if_it_differs() -> None:
    assert (report().model, report().provider_model) == ("chat", "openai/gpt-4o")
    assert (report(model_group=None).model, report(model_group="").provider_model) == ("openai/gpt-4o", None)
    assert report(model_group="openai/gpt-4o").provider_model is None


def test_names_that_nobody_can_correct_are_cut_and_cleaned() -> None:
    found = report(model_group="m" * 500, session_id="a\x00b\ud800\n" + "s" * 500)
    assert (len(found.model), len(found.session_id or "")) == (200, 256)
    assert (found.session_id or "").startswith("a b s")


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [({"prompt_tokens": 7.0}, 7), ({"prompt_tokens": None, "metadata": {"usage_object": {"input_tokens": 5}}}, 5)],
)
def test_counts_may_be_in_other_members(changes: dict[str, Any], tokens: int) -> None:
    assert report(**changes).prompt_tokens == tokens


@pytest.mark.parametrize("part", [-1, 1.5, True, "many", 10**30, {}])
def test_impossible_parts_are_left_out(part: object) -> None:
    usage = {"prompt_tokens_details": {"cached_tokens": part}}
    assert report(metadata={"usage_object": usage}).cached_tokens in {0, 10}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt_tokens": -1},
        {"prompt_tokens": 10**10},
        {"prompt_tokens": None},
        {"prompt_tokens": "12"},
        {"prompt_tokens": True},
        {"completion_tokens": 1.5},
        {"startTime": None},
        {"startTime": float("nan")},
        {"startTime": 1e300},
        {"startTime": "yesterday"},
        {"model": None, "model_group": None},
        {"id": None, "litellm_call_id": None},
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_rejected_alone(wrong: dict[str, Any]) -> None:
    body = json.dumps([sample(id="a"), sample(**wrong), sample(id="b")]).encode()
    before, rejected, after = read_litellm(body, "native")
    assert isinstance(before, UsageReport)
    assert isinstance(rejected, Rejected)
    assert isinstance(after, UsageReport)


@pytest.mark.parametrize("item", ["null", "1", '"text"', "{}", '{"id": 1e999}', f'{{"id": {"9" * 5000}}}'])
def test_other_json_is_rejected_alone(item: str) -> None:
    body = f"[{json.dumps(sample())}, {item}, {json.dumps(sample(id='b'))}]".encode()
    found = read_litellm(body, "native")
    assert isinstance(found[0], UsageReport)
    assert isinstance(found[1], Rejected)


def test_complete_events_of_a_cut_body_are_accepted() -> None:
    array = json.dumps([sample(id="a"), sample(id="b")]).encode()[:-40]
    lines = b"\n".join(json.dumps(sample(id=name)).encode() for name in "abc")[:-40]
    assert [type(each) for each in read_litellm(array, "native")] == [UsageReport, Rejected]
    assert [type(each) for each in read_litellm(lines, "native")] == [UsageReport, UsageReport, Rejected]


def test_a_broken_line_in_the_middle_costs_no_other() -> None:
    lines = b"\n".join(
        [json.dumps(sample(id="a")).encode(), b'{"id": "b", "prompt', json.dumps(sample(id="c")).encode()]
    )
    assert [type(each) for each in read_litellm(lines, "native")] == [UsageReport, Rejected, UsageReport]


def test_texts_that_are_not_kept_may_hold_anything() -> None:
    odd = {"content": "\x00 \ud800 NaN", "again": 1}
    body = (
        json.dumps([sample(messages=[odd], response=float("inf"))])
        .encode()
        .replace(b'"again": 1', b'"again": 1, "again": 2')
    )
    assert isinstance(read_litellm(body, "native")[0], UsageReport)
    assert isinstance(read_litellm(body.replace(b"NaN", b"\xff\xfe"), "native")[0], UsageReport)


@pytest.mark.parametrize("body", [b"", b"  ", b"[]"])
def test_a_batch_without_events_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_litellm(body, "native")


@pytest.mark.parametrize("body", [b"hello", b"{", b"\x1f\x8b\x08garbage", b"[" * 200_000])
def test_body_without_any_json_is_refused(body: bytes) -> None:
    with pytest.raises(PortalError):
        read_litellm(body, "native")


ODD = [
    pytest.param('{"x": ' + "[" * 990 + "]" * 990 + "}", id="990 levels in what is not kept"),
    pytest.param('{"x": ' + "9" * 5000 + "}", id="a number of 5,000 digits in what is not kept"),
    pytest.param('{"x": nonsense}', id="nonsense in what is not kept"),
]


@pytest.mark.parametrize("odd", ODD)
def test_unused_members_are_not_decoded(odd: str) -> None:
    body = f"[{json.dumps(sample(id='a'))}, {json.dumps(sample(id='b'))[:-1]}, {odd[1:]}]".encode()
    assert [type(each) for each in read_litellm(body, "native")] == [UsageReport, UsageReport]


@pytest.mark.parametrize("name", ["id", "litellm_call_id", "status", "metadata", "startTime"])
@pytest.mark.parametrize("levels", [1, 985, 990, 2000, 100_000])
def test_levels_where_none_belong_cost_no_other_event(name: str, levels: int) -> None:
    odd = json.dumps(sample())[:-1] + f', "{name}": ' + "[" * levels + "]" * levels + "}"
    found = read_litellm(f"[{json.dumps(sample(id='a'))}, {odd}, {json.dumps(sample(id='b'))}]".encode(), "native")
    assert [isinstance(each, UsageReport) for each in found] in ([True, False, True], [True, True, True])


@pytest.mark.parametrize("between", ["", "\n", ",", "\r\n", "\n\n"])
def test_batches_one_after_the_other_are_one(between: str) -> None:
    body = f"[{json.dumps(sample(id='a'))}]{between}[{json.dumps(sample(id='b'))}]".encode()
    assert [each.id for each in reports(body)] == [report(id="a").id, report(id="b").id]


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
def test_a_body_may_be_indented_and_begin_with_a_byte_order_mark(indent: Any) -> None:
    body = b"\xef\xbb\xbf" + json.dumps([sample(id="a"), sample(id="b")], indent=indent).encode()
    assert len(reports(body)) == 2
    assert len(reports(json.dumps(sample(), indent=indent).encode())) == 1


def test_texts_with_brackets_quotes_and_breaks_are_passed_over() -> None:
    wild = sample(messages=['}]"\\"{[', "line\nbreak\u2028", "\\"], zz='{"id": "x"}')
    assert len(reports(json.dumps([wild, wild | {"id": "b"}]).encode())) == 2


HEAVY = [
    pytest.param(b"[" + b'{"a":"' + b"x" * 600 + b"\n", 10_000, id="broken lines"),
    pytest.param(b'{"x":[' + b"{}," * 300_000, 1, id="many objects"),
    pytest.param(b'{"x":"' + b'\\"' * 10_000_000, 1, id="a text without an end"),
    pytest.param(b'"' + b'\\"\n' * 8, 3_000, id="quotes without an end"),
    pytest.param(b'{"x":[' + b"1.5," * 10_000_000, 1, id="numbers without an end"),
    pytest.param(b"[" * 10_000_000, 1, id="ten million levels"),
    pytest.param(b"}{", 4_000, id="brackets the wrong way round"),
]


@pytest.mark.parametrize(("piece", "times"), HEAVY)
def test_megabytes_that_make_no_sense_cost_little(piece: bytes, times: int) -> None:
    tracemalloc.start()
    with suppress(PortalError), at_most_calls(500_000):
        read_litellm(piece * times, "native")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 120_000_000


def test_vectors_are_passed_over() -> None:
    vectors = {"data": [{"embedding": [0.25] * 1536} for _ in range(256)]}
    with at_most_calls(10_000):
        assert isinstance(one(response=vectors), UsageReport)


def test_large_metadata_is_passed_over_and_takes_little_memory() -> None:
    heavy = json.dumps(sample(id="a"))[:-1] + ', "metadata": {"x": [' + "{}," * 700_000 + "{}]}}"
    body = f"[{heavy}, {json.dumps(sample(id='b'))}]".encode()
    tracemalloc.start()
    found = read_litellm(body, "native")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(each) for each in found] == [UsageReport, UsageReport]
    assert most < 20_000_000


@pytest.mark.parametrize("error", [{"error_code": {"k": "SECRET"}}, {"error_class": ["SECRET"]}, {"error_code": "ok"}])
def test_failure_is_never_ok_and_has_a_plain_code(error: dict[str, Any]) -> None:
    assert report(status="failure", error_information=error).status == "failure"
    assert report(status="failure", error_information={"error_code": 429}).status == "429"


def test_ids_that_are_no_texts_are_rejected_or_kept_apart() -> None:
    assert isinstance(one(litellm_call_id={"a": 1}), Rejected)
    assert report(litellm_call_id=5).id != report(litellm_call_id="5").id


def test_there_is_an_end_to_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "MOST_EVENTS", 2)
    with pytest.raises(TooLarge):
        read_litellm(json.dumps([sample(id=str(n)) for n in range(3)]).encode(), "native")


@pytest.mark.parametrize("call", ["x" * 5000, "a/b", "zeile\nzwei", "ümlaut", "", None, 7])
def test_ids_that_clients_choose_become_ids_of_bounded_length(call: object) -> None:
    found = report(litellm_call_id=call)
    assert 0 < len(found.id) <= 256
    assert found.id.isprintable()
    assert found.id != report(litellm_call_id="call-2").id
