from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.metering.notes import write_note
from portal.actions.people.keys import NewKey
from portal.db.tables import Account
from portal.rules.people.secrets import digest
from tests.api.conftest import As, Client
from tests.cast import NOW, Gateway, acting, report, run, send

USAGE = "/user/api/usage"


def ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["items"]]


@pytest.fixture
def history(alice: Account, bob: Account, alices_key: NewKey, gateway: Gateway) -> None:
    """Twelve requests of Alice, one every four hours, each third one failed; one of Bob."""
    send(
        gateway,
        *[
            report(
                f"r-{n}",
                key_hash=digest(alices_key.secret),
                requested_at=NOW - timedelta(hours=4 * n),
                prompt_tokens=10 * n,
                mode="native" if n % 2 else "moe_reasoning",
                model="mixtral" if n == 5 else "qwen3:32b",
                status="ok" if n % 3 else "rate_limited",
            )
            for n in range(12)
        ],
        report("bobs", username="bob"),
    )


def test_a_request_is_shown_whole(alice: Account, alices_key: NewKey, gateway: Gateway, as_: As) -> None:
    send(
        gateway,
        report(
            key_hash=digest(alices_key.secret),
            cost_factor=Decimal("1.5"),
            template="Research",
            latency_ms=812,
            cached_tokens=40,
        ),
    )
    run(write_note, acting(alice), 1, "for the report", NOW)
    answer = as_(alice).get(USAGE).json()
    assert answer == {
        "items": [
            {
                "id": 1,
                "requested_at": "2026-11-22T14:05:00Z",
                "model": "qwen3:32b",
                "template": "Research",
                "api_key": {"label": "Alice's laptop", "prefix": alices_key.secret[:16]},
                "mode": "native",
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "billable_tokens": 180,
                "cost_eur": "0.0036",
                "status": "ok",
                "latency_ms": 812,
                "note": "for the report",
            }
        ],
        "next_cursor": None,
        "totals": {
            "tokens": 180,
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "requests": 1,
            "cost_eur": "0.0036",
        },
    }


def test_a_request_without_a_key_has_none(alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report())
    assert as_(alice).get(USAGE).json()["items"][0]["api_key"] is None


@pytest.mark.parametrize("order", ["newest", "oldest", "largest"])
def test_pages_have_everything_once_in_order(history: None, alice: Account, as_: As, order: str) -> None:
    client, cursor, seen = as_(alice), "", []
    whole = client.get(USAGE, params={"order": order, "limit": 500}).json()
    while True:
        page = client.get(USAGE, params={"order": order, "limit": 5, "cursor": cursor}).json()
        assert page["totals"] == whole["totals"]
        seen += ids(page)
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert seen == ids(whole)
    assert len(set(seen)) == whole["totals"]["requests"] == 12


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, 12, id="the last 7 days"),
        pytest.param({"range": "7", "status": "", "from": "", "mode": ""}, 12, id="an untouched form"),
        pytest.param({"status": "ok"}, 8, id="what went well"),
        pytest.param({"status": "error"}, 4, id="what did not"),
        pytest.param({"mode": "native"}, 6, id="one mode"),
        pytest.param({"model": "mixtral"}, 1, id="one model"),
        pytest.param({"token_name": "LAPTOP"}, 12, id="part of the key's label"),
        pytest.param({"token_name": "moe-sk"}, 12, id="part of the key's prefix"),
        pytest.param({"token_name": "phone"}, 0, id="no such key"),
        pytest.param({"from": "2026-11-22"}, 4, id="today in Berlin"),
        pytest.param({"to": "2026-11-21"}, 8, id="until yesterday"),
        pytest.param({"from": "2026-11-21", "to": "2026-11-21"}, 6, id="yesterday"),
        pytest.param({"budget_from": "2026-11-22", "budget_to": "2026-11-22"}, 4, id="a day of the budget zone"),
        pytest.param({"range": "90", "from": "2000-01-01", "to": "2999-12-31"}, 12, id="all of time"),
    ],
)
def test_a_filter_selects_and_totals(
    history: None, alice: Account, as_: As, params: dict[str, str], expected: int
) -> None:
    answer = as_(alice).get(USAGE, params=params).json()
    assert len(answer["items"]) == answer["totals"]["requests"] == expected
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert sum(item[name] for item in answer["items"]) == answer["totals"][name]
    assert sum(item["billable_tokens"] for item in answer["items"]) == answer["totals"]["tokens"]
    assert sum(Decimal(item["cost_eur"]) for item in answer["items"]) == Decimal(answer["totals"]["cost_eur"])


def test_nobody_sees_anothers_requests(history: None, charlie: Account, as_: As) -> None:
    assert as_(charlie).get(USAGE, params={"token_name": "laptop"}).json()["items"] == []


def test_anothers_cursor_shows_ones_own_requests_only(history: None, alice: Account, bob: Account, as_: As) -> None:
    cursor = as_(alice).get(USAGE, params={"limit": 1}).json()["next_cursor"]
    shown = as_(bob).get(USAGE, params={"cursor": cursor}).json()
    assert shown["totals"]["requests"] == 1
    assert {item["model"] for item in shown["items"]} <= {"qwen3:32b"}


BAD = [
    ("range", "8"),
    ("range", "7.0"),
    ("range", "-7"),
    ("range", "seven"),
    ("status", "fine"),
    ("order", "random"),
    ("from", "2026-02-30"),
    ("from", "22.11.2026"),
    ("from", "1999-12-30"),
    ("from", "2026-11-22T00:00:00Z"),
    ("to", "9999-12-31"),
    ("to", "3000-01-01"),
    ("budget_from", "tomorrow"),
    ("budget_to", "2026-11-2\u0662"),
    ("token_name", "x" * 101),
    ("token_name", "\x00"),
    ("mode", "x" * 65),
    ("mode", "\x00"),
    ("model", "x" * 201),
    ("model", "\x00"),
    ("limit", "0"),
    ("limit", "501"),
    ("limit", "-1"),
    ("limit", "1.0"),
    ("limit", "1_0"),
    ("limit", " 5"),
    ("limit", ""),
    ("limit", "9" * 4000),
    ("limit", "NaN"),
    ("limit", "\u0665"),
    ("cursor", "nonsense"),
    ("cursor", "\x00"),
    ("cursor", "x" * 501),
    ("cursor", "W10="),
    ("cursor", "bnVsbA"),
    ("cursor", "WyJuZXdlc3QiLCJhZnRlciIsMSwxXQ"),
    ("cursor", "WyJuZXdlc3QiLCJhZnRlciIsIjIwMjYiLC0xXQ"),
    ("colour", "red"),
    ("format", "csv"),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{name}={value[:20]!r}" for name, value in BAD])
def test_what_a_filter_cannot_mean_is_refused(alice: Account, as_: As, name: str, value: str) -> None:
    answer = as_(alice).get(USAGE, params={name: value})
    assert answer.status_code == 422
    assert name in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 200


def test_a_parameter_given_twice_is_refused(alice: Account, as_: As) -> None:
    assert as_(alice).get(f"{USAGE}?limit=5&limit=5").json()["detail"] == "A query parameter is given twice."


def test_days_in_the_wrong_order_are_refused(alice: Account, as_: As) -> None:
    answer = as_(alice).get(USAGE, params={"from": "2026-11-22", "to": "2026-11-21"})
    assert (answer.status_code, "after the last day" in answer.json()["detail"]) == (422, True)


def test_a_cursor_of_another_order_is_refused(history: None, alice: Account, as_: As) -> None:
    cursor = as_(alice).get(USAGE, params={"limit": 1}).json()["next_cursor"]
    assert as_(alice).get(USAGE, params={"order": "largest", "cursor": cursor}).status_code == 422


def test_bytes_that_are_no_text_find_nothing(alice: Account, as_: As) -> None:
    assert as_(alice).get(f"{USAGE}?mode=%ff%fe").json()["items"] == []
    assert as_(alice).get(f"{USAGE}?mode=%ed%a0%80").json()["items"] == []


def test_without_a_session_nothing_is_answered(client: Client, post_usage: Callable[..., Any]) -> None:
    assert client.get(USAGE).status_code == 401


def test_a_call_without_counts_has_no_numbers_and_is_found_alone(alice: Account, gateway: Gateway, as_: As) -> None:
    unknown = report("image", prompt_tokens=0, completion_tokens=0, without_counts=True, model="image-1")
    send(gateway, report("chat"), unknown)
    everything = as_(alice).get("/user/api/usage").json()
    assert (everything["totals"]["requests"], everything["totals"]["without_counts"]) == (2, 1)
    found = as_(alice).get("/user/api/usage", params={"counts": "unknown"}).json()
    (item,) = found["items"]
    assert (item["model"], item["without_counts"]) == ("image-1", True)
    assert [item[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")] == [None] * 3
    assert (item["billable_tokens"], item["cost_eur"]) == (0, "0.00")
    assert (found["totals"]["requests"], found["totals"]["tokens"], found["totals"]["without_counts"]) == (1, 0, 1)
    rows = as_(alice).get("/user/api/usage/export", params={"counts": "unknown", "bom": "false"}).text.splitlines()
    assert len(rows) == 2
    assert ",,,,,0," in rows[1]
