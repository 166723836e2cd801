import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pydantic import TypeAdapter
from sqlalchemy import select, update

from portal.actions.people.accounts import set_active
from portal.actions.people.keys import NewKey, revoke_key
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.api.gateways.authorization import AuthorizeAnswer
from portal.db.sql.session import Database
from portal.db.tables import Account, ApiKey, Team
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits
from portal.rules.spending.pricing import MAX_TOKENS
from portal.views.templates import find_template
from tests.api.conftest import As, Client, event, everything
from tests.cast import NOW, OPERATOR, Gateway, acting, limit_key, new_team, report, run, send

Ask = Callable[..., Any]
NOTHING_LEFT = {"daily": None, "monthly": None, "total": None}


@pytest.fixture
def ask(client: Client, gateway: Gateway) -> Ask:
    """Give a function that asks with the gateway's token: `ask(api_key=…)`, or with a body as it is."""

    def post(content: bytes | None = None, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
        sent = {"json": body} if content is None else {"content": content}
        return client.post("/api/v1/authorize", headers=headers, **sent)

    return post


def test_usable_key_is_allowed_to_spend(alice: Account, alices_key: NewKey, ask: Ask) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000, total=10**15), NOW)
    run(define_template, OPERATOR, "Research", Decimal("1.50"), [], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "Research").id, NOW)
    answer = ask(api_key=alices_key.secret)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "allowed": True,
            "reason": "ok",
            "detail": "The key may spend.",
            "user": "alice",
            "budget": None,
            "period": None,
            "consumed": None,
            "limit": None,
            "resets_at": None,
            "remaining": {"daily": 1000, "monthly": None, "total": 10**15},
            "cost_factor": "1.50",
            "template": "Research",
        },
    )


def test_refusal_names_the_budget_and_its_reset(alice: Account, alices_key: NewKey, gateway: Gateway, ask: Ask) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000, monthly=120), NOW)
    send(gateway, report())
    answer = ask(api_key=alices_key.secret).json()
    assert (answer["allowed"], answer["reason"], answer["period"]) == (False, "budget_exhausted", "monthly")
    assert answer["budget"] == "account"
    assert (answer["consumed"], answer["limit"], answer["resets_at"]) == (120, 120, "2026-12-01T00:00:00Z")
    assert answer["remaining"] == {"daily": 880, "monthly": 0, "total": None}
    assert answer["detail"] == "The monthly budget is exhausted: 120 of 120 billable tokens are used."


def test_refusal_of_key_and_team_has_their_figures(
    alice: Account, alices_key: NewKey, gateway: Gateway, ask: Ask
) -> None:
    team_id = new_team("Research", alice, limits=Limits(monthly=200))
    send(gateway, report(key_hash=digest(alices_key.secret)))
    too_much = ask(api_key=alices_key.secret, estimated_tokens=81).json()
    limit_key(alices_key.id, Limits(daily=100))
    exhausted = ask(api_key=alices_key.secret).json()
    answers = [
        [each[name] for name in ("budget", "period", "consumed", "limit", "resets_at")]
        for each in (too_much, exhausted)
    ]
    assert answers == [
        ["team", "monthly", 120, 200, "2026-12-01T00:00:00Z"],
        ["key", "daily", 120, 100, "2026-11-23T00:00:00Z"],
    ]
    assert exhausted["remaining"] == {"daily": 0, "monthly": 80, "total": None}
    run(lambda session: session.execute(update(Team).where(Team.id == team_id).values(active=False)))
    suspended = ask(api_key=alices_key.secret).json()
    assert (suspended["reason"], suspended["budget"], suspended["remaining"]) == ("team_suspended", None, NOTHING_LEFT)


def test_a_key_may_be_named_by_its_digest(alices_key: NewKey, ask: Ask) -> None:
    by_digest = ask(api_key_hash=digest(alices_key.secret).upper(), api_key=None)
    assert by_digest.json() == ask(api_key=alices_key.secret).json()


def test_unknown_keys_are_all_answered_alike(alice: Account, alices_key: NewKey, ask: Ask) -> None:
    unknown = [
        ask(api_key="moe-sk-" + "0" * 48),
        ask(api_key="alice"),
        ask(api_key=alices_key.prefix),
        ask(api_key_hash="0" * 64),
        ask(api_key="moe-sk-" + "0" * 48, estimated_tokens=5, request_id="r-1"),
    ]
    assert {answer.status_code for answer in unknown} == {200}
    assert [answer.json() for answer in unknown] == [
        {
            "allowed": False,
            "reason": "unknown_key",
            "detail": "No account has this key.",
            "user": None,
            "budget": None,
            "period": None,
            "consumed": None,
            "limit": None,
            "resets_at": None,
            "remaining": NOTHING_LEFT,
            "cost_factor": None,
            "template": None,
        }
    ] * len(unknown)


def test_revoked_key_and_suspended_account_are_refused_at_once(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, ask: Ask
) -> None:
    assert ask(api_key=alices_key.secret).json()["allowed"] is ask(api_key=bobs_key.secret).json()["allowed"] is True
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    run(set_active, OPERATOR, bob.id, False, NOW)
    for key, reason in ((alices_key, "revoked_key"), (bobs_key, "account_suspended")):
        answer = ask(api_key=key.secret).json()
        assert (answer["allowed"], answer["reason"], answer["remaining"]) == (False, reason, NOTHING_LEFT)


def test_tokens_are_held_until_the_event_arrives(
    alice: Account, alices_key: NewKey, ask: Ask, post_usage: Callable[..., Any]
) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    assert ask(api_key=alices_key.secret, estimated_tokens=900, request_id="r-1").json()["allowed"]
    refused = ask(api_key=alices_key.secret, estimated_tokens=200, request_id="r-2").json()
    assert (refused["reason"], refused["remaining"]["daily"]) == ("estimate_too_large", 100)
    post_usage(json=event("r-1"))
    assert ask(api_key=alices_key.secret, estimated_tokens=200, request_id="r-2").json()["allowed"]


def test_an_id_under_which_tokens_are_held_for_another_account(alices_key: NewKey, bobs_key: NewKey, ask: Ask) -> None:
    ask(api_key=alices_key.secret, estimated_tokens=1, request_id="r-1")
    answer = ask(api_key=bobs_key.secret, estimated_tokens=1, request_id="r-1")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


REFUSED = [
    pytest.param({}, "api_key", id="no key"),
    pytest.param({"api_key": "a", "api_key_hash": "0" * 64}, "api_key_hash", id="two keys"),
    pytest.param({"api_key": ""}, "api_key", id="an empty key"),
    pytest.param({"api_key": 5}, "api_key", id="a key that is a number"),
    pytest.param({"api_key": "a" * 257}, "api_key", id="a very long key"),
    pytest.param({"api_key_hash": "0" * 63}, "api_key_hash", id="half a digest"),
    pytest.param({"api_key": "a", "request_id": "r-1"}, "estimated_tokens", id="an id without an estimate"),
    pytest.param({"api_key": "a", "estimated_tokens": -1}, "estimated_tokens", id="a negative estimate"),
    pytest.param({"api_key": "a", "estimated_tokens": MAX_TOKENS + 1}, "estimated_tokens", id="too large an estimate"),
    pytest.param({"api_key": "a", "estimated_tokens": "5"}, "estimated_tokens", id="an estimate in quotes"),
    pytest.param({"api_key": "a", "estimated_tokens": 5.0}, "estimated_tokens", id="a fraction"),
    pytest.param({"api_key": "a", "estimated_tokens": True}, "estimated_tokens", id="a truth"),
    pytest.param({"api_key": "a", "estimated_tokens": 5, "request_id": ""}, "request_id", id="an empty id"),
    pytest.param({"api_key": "a", "estimated_tokens": 5, "request_id": "r" * 257}, "request_id", id="a long id"),
    pytest.param({"api_key": "a", "estimated_tokens": 5, "request_id": "r\n"}, "request_id", id="a control character"),
    pytest.param({"api_key": "a", "model": "x"}, "model", id="an unknown field"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED)
def test_wrong_field_is_refused_by_name(ask: Ask, db: Database, body: dict[str, Any], field: str) -> None:
    before = everything(db)
    answer = ask(**body)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert field in answer.json()["detail"]
    assert everything(db) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[1", b"NaN", b'{"api_key": "a", "api_key": "b"}', b"\xff"])
def test_body_without_json_is_refused(ask: Ask, content: bytes) -> None:
    assert ask(content).status_code == 400


@pytest.mark.parametrize("content", [b"[]", b"5", b"null"])
def test_json_that_is_no_object_is_refused(ask: Ask, content: bytes) -> None:
    assert ask(content).status_code == 422


def test_the_largest_estimate_is_taken(alices_key: NewKey, ask: Ask) -> None:
    assert ask(api_key=alices_key.secret, estimated_tokens=MAX_TOKENS, request_id="r-1").json()["allowed"]


BAD_TOKENS = ["", "Bearer", "Bearer moe-gw-", "Bearer moe-gw-" + "0" * 48, "Basic YTpi", "Bearer " + "x" * 5000]


@pytest.mark.parametrize("authorization", BAD_TOKENS, ids=lambda text: text[:20])
@pytest.mark.parametrize("content", [b'{"api_key": "moe-sk-"}', b"{", b" " * 60_000])
def test_strangers_hear_nothing_but_that(
    client: Client, gateway: Gateway, db: Database, authorization: str, content: bytes
) -> None:
    before = everything(db)
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    answer = client.post("/api/v1/authorize", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "unknown_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert everything(db) == before


@pytest.mark.parametrize("authorization", BAD_TOKENS, ids=lambda text: text[:20])
def test_large_body_of_a_stranger_is_refused_unread(client: Client, authorization: str) -> None:
    answer = client.post("/api/v1/authorize", content=b" " * 70_000, headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_a_persons_key_or_cookie_may_not_ask(alice: Account, alices_key: NewKey, as_: As) -> None:
    body = {"api_key": alices_key.secret}
    headers = {"Authorization": f"Bearer {alices_key.secret}"}
    assert as_(alice).post("/api/v1/authorize", json=body, headers=headers).status_code == 401
    assert as_(alice).post("/api/v1/authorize", json=body).status_code == 401


def test_the_last_use_of_the_key_is_noted(
    alices_key: NewKey, ask: Ask, db: Database, clock: time_machine.Traveller
) -> None:
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        clock.move_to(NOW + timedelta(seconds=seconds))
        ask(api_key=alices_key.secret)
        with db.reading() as session:
            assert session.scalar(select(ApiKey.last_used_at)) == NOW + timedelta(seconds=noted)


def test_a_secret_is_neither_kept_nor_logged_nor_answered(
    alices_key: NewKey, ask: Ask, gateway: Gateway, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        ask(api_key=alices_key.secret, estimated_tokens=5, request_id="r-1").text,
        ask(api_key=alices_key.secret, request_id="r-1").text,
        ask(api_key_hash=alices_key.secret).text,
        ask(**{alices_key.secret: 1}).text,
    ]
    for text in (*answers, caplog.text, repr(everything(db))):
        assert alices_key.secret not in text
        assert gateway.token not in text


def test_answers_are_as_the_document_says(alice: Account, alices_key: NewKey, ask: Ask) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=0), NOW)
    proper = TypeAdapter(AuthorizeAnswer)
    for answer in (ask(api_key=alices_key.secret), ask(api_key="nobody's")):
        assert proper.dump_json(proper.validate_json(answer.content)) == answer.content
