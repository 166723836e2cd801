"""Scripts report themselves, with the API key of their person only."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.people.keys import NewKey, revoke_key
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, Client, everything
from tests.cast import NOW, OPERATOR, Gateway, acting, run

Report = Callable[..., Any]
CHAT = {
    "id": "chatcmpl-1",
    "created": int(NOW.timestamp()),
    "model": "gpt-5-mini",
    "choices": [{"message": {"content": "A secret"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
}
EMBEDDINGS = {"object": "list", "model": "embed", "usage": {"prompt_tokens": 17, "total_tokens": 17}}


@pytest.fixture
def report(client: Client, alices_key: NewKey) -> Report:
    """Give a function that reports an answer with Alice's key: `report(CHAT, headers=...)`."""

    def send(answer: Any, *, key: str = alices_key.secret, headers: dict[str, str] | None = None) -> Any:
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | (headers or {})
        content = answer if isinstance(answer, bytes) else json.dumps(answer)
        return client.post("/api/v1/usage/openai", content=content, headers=sent)

    return send


def used(as_: As, account: Account) -> int:
    tokens: int = as_(account).get("/user/api/budget").json()["total_used"]
    return tokens


def test_an_answer_is_counted_for_the_holder_of_the_key(alice: Account, report: Report, as_: As) -> None:
    answer = report(CHAT)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": f"chatcmpl-1/{CHAT['created']}",
            "result": "accepted",
            "model": "gpt-5-mini",
            "prompt_tokens": 100,
            "completion_tokens": 20,
        },
    )
    item = as_(alice).get("/user/api/usage").json()["items"][0]
    assert (item["model"], item["total_tokens"], item["api_key"]["label"]) == ("gpt-5-mini", 120, "Alice's laptop")


def test_sending_it_again_counts_nothing(alice: Account, report: Report, as_: As) -> None:
    assert [report(CHAT).json()["result"] for _ in range(2)] == ["accepted", "duplicate"]
    assert used(as_, alice) == 120


def test_the_same_id_with_other_figures_is_kept_apart(alice: Account, report: Report, as_: As) -> None:
    report(CHAT)
    answer = report(CHAT | {"usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    assert answer.json()["result"] == "conflict"
    assert used(as_, alice) == 120


def test_idempotency_key_makes_sending_again_safe_without_an_id(alice: Account, report: Report, as_: As) -> None:
    key = {"Idempotency-Key": "run-7"}
    assert [report(EMBEDDINGS, headers=key).json()["result"] for _ in range(2)] == ["accepted", "duplicate"]
    assert report(EMBEDDINGS).json()["result"] == "accepted"
    assert used(as_, alice) == 34


def test_nobody_can_occupy_anothers_ids(
    alice: Account, bob: Account, bobs_key: NewKey, report: Report, as_: As
) -> None:
    theirs = CHAT | {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    assert report(theirs, key=bobs_key.secret).json()["result"] == "accepted"
    assert report(CHAT).json()["result"] == "accepted"
    assert (used(as_, alice), used(as_, bob)) == (120, 2)


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        pytest.param({"Idempotency-Key": ""}, "empty", id="empty"),
        pytest.param({"Idempotency-Key": "x" * 201}, "longer", id="too long"),
    ],
)
def test_a_senseless_idempotency_key_is_refused(
    db: Database, report: Report, headers: dict[str, str], sentence: str
) -> None:
    before = everything(db)
    answer = report(EMBEDDINGS, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert sentence in answer.json()["detail"]
    assert everything(db) == before


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(b"{", 422, id="cut off"),
        pytest.param([CHAT], 422, id="a list"),
        pytest.param(CHAT | {"usage": None}, 422, id="no usage"),
        pytest.param(CHAT | {"created": int(NOW.timestamp()) + 7200}, 422, id="a clock that is two hours fast"),
    ],
)
def test_what_cannot_be_counted_is_refused_and_counts_nothing(
    alice: Account, report: Report, as_: As, answer: Any, status: int
) -> None:
    answered = report(answer)
    assert answered.status_code == status
    assert "secret" not in answered.text
    assert used(as_, alice) == 0


@pytest.mark.parametrize("end", ["revoked", "suspended", "gateway", "nobody's"])
def test_only_a_working_api_key_may_report(
    db: Database, alice: Account, alices_key: NewKey, gateway: Gateway, report: Report, end: str
) -> None:
    if end == "revoked":
        run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    if end == "suspended":
        run(set_active, OPERATOR, alice.id, False, NOW)
    before = everything(db)
    keys = {"gateway": gateway.token, "nobody's": "moe-sk-" + "0" * 48}
    answer = report(CHAT, key=keys.get(end, alices_key.secret))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert everything(db) == before


def test_a_large_answer_is_taken_and_nothing_of_its_text_is_kept(
    db: Database, report: Report, capfd: pytest.CaptureFixture[str]
) -> None:
    large = CHAT | {"choices": [{"message": {"content": "A secret. " * 500_000}}]}
    assert report(large).json()["result"] == "accepted"
    assert "secret" not in str(everything(db))
    assert "secret" not in "".join(capfd.readouterr())
