import json
import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.types import ASGIApp

from portal.actions.metering.gateways import create_gateway_token, revoke_gateway_tokens
from portal.actions.metering.reports import store_reports
from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey, revoke_key
from portal.actions.templates import define_template
from portal.db.metering.events import count_events
from portal.db.sql.session import Database
from portal.db.tables import Account, HeldEvent
from portal.rules.people.secrets import digest
from portal.settings import settings
from tests.api.conftest import As, Client, event, everything
from tests.cast import NOW, OPERATOR, Gateway, acting, new_gateway, run
from tests.queries import count_held

Post = Callable[..., Any]
LINES = {"Content-Type": "application/x-ndjson"}


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [result["result"] for result in answer.json()["results"]]


def lines(*events: Any) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in events)


def test_one_event_is_counted(alice: Account, post_usage: Post, as_: As) -> None:
    assert post_usage(json=event()).json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "results": [{"index": 0, "id": "r-1", "result": "accepted"}],
    }
    assert as_(alice).get("/user/api/budget").json()["daily_used"] == 120


def test_every_result_has_its_place(alice: Account, bob: Account, post_usage: Post) -> None:
    post_usage(json=[event("old"), event("changed")])
    answer = post_usage(
        json=[
            event("new"),
            event("old"),
            event("changed", prompt_tokens=1),
            event("whose", username="nobody"),
            event("bad", prompt_tokens=-1),
            event("early", requested_at=(NOW + timedelta(minutes=6)).isoformat()),
            "no event",
            event("bobs", username="bob"),
        ]
    ).json()
    assert [(r["index"], r["id"], r["result"]) for r in answer["results"]] == [
        (0, "new", "accepted"),
        (1, "old", "duplicate"),
        (2, "changed", "conflict"),
        (3, "whose", "unattributed"),
        (4, "bad", "rejected"),
        (5, "early", "rejected"),
        (6, None, "rejected"),
        (7, "bobs", "accepted"),
    ]
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (2, 1, 3)
    assert ["error" in result for result in answer["results"]] == [False, False, True, True, True, True, True, False]


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/jsonl", "application/json"])
def test_lines_are_taken(alice: Account, post_usage: Post, content_type: str) -> None:
    body = lines(event("a"), event("b"), b"", event("c")) + b"\n"
    answer = post_usage(content=body, headers={"Content-Type": f"{content_type}; charset=UTF-8"})
    assert [(r["index"], r["id"]) for r in answer.json()["results"]] == [(0, "a"), (1, "b"), (2, "c")]
    assert answer.json()["accepted"] == 3


def test_a_batch_sent_again_changes_nothing(alice: Account, post_usage: Post, as_: As, db: Database) -> None:
    batch = [event(f"r-{n}") for n in range(20)] + [event("whose", username="nobody"), event("r-3", prompt_tokens=9)]
    post_usage(json=batch)
    before = everything(db)
    for _ in range(3):
        assert results(post_usage(json=batch)) == ["duplicate"] * 20 + ["unattributed", "conflict"]
    assert everything(db) == before
    assert as_(alice).get("/user/api/budget").json()["total_used"] == 20 * 120


def test_one_gateways_ids_are_not_anothers(alice: Account, post_usage: Post, client: Client) -> None:
    post_usage(json=event())
    other = new_gateway("moe-2")
    again = client.post("/api/v1/usage", json=event(), headers={"Authorization": f"Bearer {other.token}"})
    assert results(again) == ["accepted"]


def test_usage_is_attributed_by_key_by_digest_and_by_name(
    alice: Account, alices_key: NewKey, post_usage: Post, as_: As
) -> None:
    batch = [
        event("a", username=..., api_key=alices_key.secret),
        event("b", username=..., api_key_hash=digest(alices_key.secret).upper()),
        event("c", username="ALICE"),
    ]
    assert results(post_usage(json=batch)) == ["accepted"] * 3
    items = as_(alice).get("/user/api/usage").json()["items"]
    assert sorted(item["api_key"] is not None for item in items) == [False, True, True]


def test_usage_is_attributed_by_email_address(alice: Account, bob: Account, post_usage: Post, as_: As) -> None:
    names = ["alice@example.org", "Alice@Example.ORG", "alice", "nobody@example.org"]
    batch = [event(str(number), username=name) for number, name in enumerate(names)]
    expected = ["accepted", "accepted", "accepted", "unattributed"]
    assert results(post_usage(json=batch)) == expected
    assert as_(alice).get("/user/api/budget").json()["total_used"] == 3 * 120
    again = ["duplicate", "duplicate", "duplicate", "unattributed"]
    assert results(post_usage(json=batch)) == again


def test_usage_of_a_revoked_key_still_happened(alice: Account, alices_key: NewKey, post_usage: Post) -> None:
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    assert results(post_usage(json=event(username=..., api_key=alices_key.secret))) == ["accepted"]


def test_the_cost_factor_of_a_template_applies(alice: Account, post_usage: Post, as_: As) -> None:
    run(define_template, OPERATOR, "Research", Decimal(2), [], NOW)
    post_usage(json=[event("a", template="Research"), event("b", template="Research", cost_factor=0.5)])
    billable = [item["billable_tokens"] for item in as_(alice).get("/user/api/usage").json()["items"]]
    assert sorted(billable) == [60, 240]


def test_a_secret_is_neither_kept_nor_logged_nor_answered(
    post_usage: Post, gateway: Gateway, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "moe-sk-" + "5e" * 24
    answers = [
        post_usage(json=event("a", username=..., api_key=secret)).text,
        post_usage(json=event("b", api_key=secret)).text,
        post_usage(json=event("c", **{secret: 1})).text,
        post_usage(content=f'{{"api_key": "{secret}" broken'.encode(), headers=LINES).text,
        post_usage(json=event("d", username=..., api_key_hash=secret)).text,
    ]
    with db.reading() as session:
        held = session.query(HeldEvent.body).scalar()
    assert digest(secret) in held
    for text in (*answers, caplog.text, repr(everything(db))):
        assert secret not in text
        assert gateway.token not in text


BAD_TOKENS = ["", "Bearer", "Bearer moe-gw-", "Bearer moe-gw-" + "0" * 48, "Basic YTpi", "Bearer " + "x" * 5000]


@pytest.mark.parametrize("authorization", BAD_TOKENS, ids=lambda text: text[:20])
def test_only_a_gateway_may_report(alice: Account, client: Client, db: Database, authorization: str) -> None:
    before = everything(db)
    answer = client.post("/api/v1/usage", json=event(), headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["error"]) == (401, "unknown_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert everything(db) == before


def test_a_persons_key_or_cookie_reports_nothing(alice: Account, alices_key: NewKey, as_: As) -> None:
    headers = {"Authorization": f"Bearer {alices_key.secret}"}
    assert as_(alice).post("/api/v1/usage", json=event(), headers=headers).status_code == 401
    assert as_(alice).post("/api/v1/usage", json=event()).status_code == 401


def test_tokens_rotate_and_end(alice: Account, gateway: Gateway, client: Client) -> None:
    fresh = run(create_gateway_token, OPERATOR, gateway.id, NOW)
    for token in (gateway.token, fresh):
        assert client.post("/api/v1/usage", json=[event()], headers={"Authorization": f"bearer {token}"}).is_success
    run(revoke_gateway_tokens, OPERATOR, gateway.id, NOW)
    for token in (gateway.token, fresh):
        answer = client.post("/api/v1/usage", json=[event()], headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_nothing_is_read_for_those_who_may_not_report(app: ASGIApp) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/v1/usage",
        "raw_path": b"/api/v1/usage",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json")],
    }
    await app(scope, receive, keep)
    assert sent[0]["status"] == 401


def test_content_encoding_identity_is_accepted(alice: Account, post_usage: Post) -> None:
    assert post_usage(json=event(), headers={"Content-Encoding": "identity"}).status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        b"{broken",
        b"null",
        b"\xff",
        b'{"id": "x", "id": "y"}',
        lines(event("x", prompt_tokens=2**63)),
        lines(event("x", prompt_tokens=float("nan"))),
        lines(event("x", prompt_tokens=0)).replace(b" 0", b" 1e999"),
        lines(event("x", prompt_tokens=0)).replace(b" 0", b" " + b"9" * 4000),
        lines(event("x", model="\x00")),
        lines(event("x", model="\ud800")),
        lines(event("x", colour="red")),
        lines(event("x", requested_at="1970-01-01T00:00:00Z")),
        lines(event("x", requested_at="9999-12-31T23:59:59Z")),
        lines(event("x", requested_at="2026-06-30T23:59:60Z")),
        lines(event("x", requested_at="2026-11-22T10:00:00")),
        lines(event("x", cost_factor="1000", prompt_tokens=10**9, completion_tokens=10**9)),
        lines(event("x" * 1_000_000)),
    ],
    ids=lambda line: line[:60].decode("latin-1"),
)
def test_one_bad_line_never_stops_the_others(alice: Account, post_usage: Post, as_: As, bad: bytes) -> None:
    answer = post_usage(content=lines(event("a"), bad, event("b")), headers=LINES)
    assert results(answer) == ["accepted", "rejected", "accepted"]
    assert answer.json()["results"][1]["error"].endswith(".")
    assert as_(alice).get("/user/api/budget").json()["total_used"] == 240


def test_a_batch_of_the_largest_size_is_stored(alice: Account, post_usage: Post, as_: As) -> None:
    answer = post_usage(content=lines(*(event(f"s-{n}") for n in range(10_000))), headers=LINES)
    assert answer.json()["accepted"] == 10_000
    assert as_(alice).get("/user/api/summary").json()["total"]["requests"] == 10_000


def test_what_could_not_be_stored_is_not_acknowledged(
    alice: Account, post_usage: Post, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_the_end(session: Session, *args: Any, **options: Any) -> None:
        store_reports(session, *args, **options)
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    before = everything(db)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("portal.api.gateways.usage_ingest.store_reports", fail_at_the_end)
        answer = post_usage(json=event())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert everything(db) == before
    assert results(post_usage(json=event())) == ["accepted"]


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.lists(st.integers(), max_size=2)
)
BAD_EVENTS = st.dictionaries(st.sampled_from(sorted(event())) | st.text(max_size=8), VALUES, max_size=6).map(json.dumps)
GARBAGE = st.text(max_size=30).map(lambda text: text.replace("\n", " ").replace("\r", " "))


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.lists(BAD_EVENTS | GARBAGE, max_size=4), data=st.data())
def test_whatever_comes_the_good_events_of_a_batch_are_counted(
    alice: Account, post_usage: Post, as_: As, db: Database, bad: list[str], data: st.DataObject
) -> None:
    """Each example goes on with the database of the one before, so ids are counted on."""
    with db.reading() as session:
        stored = count_events(session)
    good = [json.dumps(event(f"good-{stored}-{n}")) for n in range(2)]
    batch = data.draw(st.permutations(bad + good))
    answer = post_usage(content="\n".join(batch).encode("utf-8", "surrogatepass"), headers=LINES)
    assert answer.status_code == 200
    assert answer.json()["accepted"] >= 2
    with db.reading() as session:
        assert count_events(session) == stored + answer.json()["accepted"]
        assert list(verify_account(session, alice.id, settings().budget_zone)) == []


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "application/x-ndjson", "text/html"]))
def test_no_bytes_break_anything(post_usage: Post, db: Database, body: bytes, kind: str) -> None:
    assert post_usage(content=body, headers={"Content-Type": kind}).status_code in {200, 400, 415, 422}
    with db.reading() as session:
        assert count_events(session) == 0
        assert count_held(session) == {}
