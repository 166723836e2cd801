"""Which column is which field."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.errors import InvalidInput
from portal.imports.columns import make_plan
from portal.imports.notations import Marks, Notation, Order

PLAIN = ("id", "username", "model", "prompt_tokens", "completion_tokens", "requested_at")


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("ID", "id"), ("Request ID", "id"), ("request-id", "id"), ("callId", "id"),
        ("API Key", "api_key"), ("hashed_token", "api_key_hash"), ("User", "username"), ("user_email", "username"),
        ("Model Name", "model"), ("upstream_model", "provider_model"), ("MODE", "mode"),
        ("outcome", "status"), ("Timestamp", "requested_at"), ("created_at", "requested_at"), ("date", "requested_at"),
        ("duration_ms", "latency_ms"), ("Expert Template", "template"), ("cost_factor", "cost_factor"),
        ("conversation_id", "session_id"),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_names(column: str, field: str) -> None:
    others = [name for name in PLAIN if name != field and not (field.startswith("api_key") and name == "username")]
    assert make_plan([column, *others], {}, {}).columns[field] == (column,)


def test_better_name_wins_in_any_position() -> None:
    found = make_plan([*PLAIN, "created_at", "time", "user", "modelname"], {}, {}).columns
    assert [found[field] for field in ("requested_at", "username", "model")] == [
        ("requested_at",),
        ("username",),
        ("model",),
    ]


@pytest.mark.parametrize(
    ("columns", "chosen", "fixed", "sentence"),
    [
        pytest.param(PLAIN[2:], {}, {}, r"say whose a request is \(api_key_hash, api_key, username\)", id="nobody"),
        pytest.param(("id",), {}, {}, "say model, prompt_tokens, completion_tokens, requested_at, whose", id="nothing"),
        pytest.param(("Modell", "Wer"), {}, {}, r"The columns are Modell, Wer\.", id="in another language"),
        pytest.param(PLAIN, {"model": ""}, {}, "say model", id="left out"),
        pytest.param(PLAIN, {"colour": "id"}, {}, "no field called colour", id="an unknown field"),
        pytest.param(PLAIN, {"model": "x"}, {}, "no column called x", id="an unknown column"),
        pytest.param(PLAIN, {}, {"id": "1"}, "id cannot be the same for all rows", id="one id for all"),
        pytest.param(PLAIN, {}, {"api_key": "moe-sk-1"}, "api_key cannot be the same", id="a secret as an argument"),
    ],
)
def test_missing_or_wrong_fields_are_named(columns: Any, chosen: Any, fixed: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make_plan(columns, chosen, fixed)


def test_column_that_is_no_count_because_of_its_cells_is_named() -> None:
    with pytest.raises(
        InvalidInput, match=r"say prompt_tokens, completion_tokens\. Most cells of prompt_tokens are no"
    ):
        make_plan(PLAIN, {"completion_tokens": ""}, {}, texts={"prompt_tokens"})


def test_columns_can_be_named_as_they_are_listed() -> None:
    column = "payload.info.last_token_usage.cached_input_tokens"
    with pytest.raises(InvalidInput, match=rf"The columns are {column}\."):
        make_plan((column,), {}, {})


def test_rows_without_ids_need_all_columns() -> None:
    assert make_plan((*PLAIN, "prompt"), {}, {}, texts={"prompt"}).needs == set(PLAIN)
    assert make_plan((*PLAIN[1:], "prompt"), {}, {}, texts={"prompt"}).needs is None
    nested = make_plan((*PLAIN, "user.name"), {"username": "user.name"}, {})
    assert nested.needs == {*PLAIN, "user.name", "user"} - {"username"}


def test_another_way_of_reading_is_another_import() -> None:
    ways = [
        make_plan(PLAIN, {}, {}),
        make_plan(PLAIN, {"prompt_tokens": "completion_tokens"}, {}),
        make_plan(PLAIN, {}, {"mode": "moe"}),
        make_plan(PLAIN, {}, {}, UTC),
        make_plan(PLAIN, {}, {}, None, datetime(2026, 1, 1, tzinfo=UTC)),
        replace(make_plan(PLAIN, {}, {}), notation=Notation(Marks.COMMA)),
        replace(make_plan(PLAIN, {}, {}), beside=True),
    ]
    assert len({way.digest() for way in ways}) == len(ways)
    assert make_plan(PLAIN, {}, {}).digest() == ways[0].digest()


def test_digest_of_a_plan_is_the_same_in_each_release() -> None:
    plan = make_plan(PLAIN, {}, {})
    assert plan.digest() == "297f2563cce44c4d"
    german = replace(plan, notation=Notation(Marks.COMMA, Order.DAY_FIRST), zone=ZoneInfo("Europe/Berlin"))
    assert german.digest() == "8206c5cdf0763f72"
